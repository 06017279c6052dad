"""Stops and consent: who must not be written to, since when and why; and the log that proves it.

A stop for the purpose `*` ends all mail. Every stop takes effect at the next look of a sending process (two seconds).
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.events import record_event
from campaigns.keys import address_key, domain_key
from campaigns.models import ConsentEvent, Delivery, Run, Suppression
from campaigns.outside import outside
from campaigns.states import Reason
from campaigns.stopping import stop_people
from campaigns.suppressed import ALL_PURPOSES
from core import clock
from core.db import is_postgres
from core.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """What an unsubscribe did: for which purpose (`*`: all mail), and whether it was new."""

    purpose: str
    is_new: bool


def suppress_address(
    session: Session, *, address: str, reason: str, purpose: str = ALL_PURPOSES, source: str = ""
) -> bool:
    """Write to this address no more; True when that is new. Raises InvalidInput for what is not an address."""
    local, _, domain = address.strip().rpartition("@")
    if not local or "." not in domain.strip("."):
        raise InvalidInput(f"{address[:80]!r} is not an e-mail address", {"address": "Write it as name@example.com"})
    return _suppress(session, "address", address_key(address), purpose, reason, source)


def suppress_domain(
    session: Session, *, domain: str, reason: str, purpose: str = ALL_PURPOSES, source: str = ""
) -> bool:
    """Write to nobody with an address at this domain."""
    return _suppress(session, "domain", domain_key(domain), purpose, reason, source)


def suppress_contact(
    session: Session, *, contact_id: int, reason: str, purpose: str = ALL_PURPOSES, source: str = ""
) -> bool:
    """Write to this person no more, whatever address a later import brings."""
    return _suppress(session, "contact", str(contact_id), purpose, reason, source)


def suppress_account(
    session: Session, *, account_id: int, reason: str, purpose: str = ALL_PURPOSES, source: str = ""
) -> bool:
    """Write to nobody at this account."""
    return _suppress(session, "account", str(account_id), purpose, reason, source)


def _suppress(session: Session, scope: str, key: str, purpose: str, reason: str, source: str) -> bool:
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    row = insert(Suppression).values(
        scope=scope, key=key, purpose=purpose, reason=reason[:60], source=source[:60], hint="", created_at=clock.now()
    )
    is_new = session.execute(row.on_conflict_do_nothing().returning(Suppression.id)).first() is not None
    if is_new:
        stops.bump(session)
    elif lighter := [known for known in _GRAVITY if _gravity(known) < _gravity(reason)]:
        session.execute(
            update(Suppression)
            .where(Suppression.scope == scope, Suppression.key == key, Suppression.purpose == purpose,
                   Suppression.lifted_at.is_(None), Suppression.reason.in_(lighter))
            .values(reason=reason[:60], source=source[:60])
        )  # fmt: skip
    return is_new


# A stop has the gravest of its reasons, whatever came first: only people's own are lifted by an opt-in.
_GRAVITY = ("unsubscribed", "opted_out", "opt_out", "soft_bounces", "hard_bounce", "complaint")


def _gravity(reason: str) -> int:
    """A reason that somebody of ours wrote is above all others."""
    return _GRAVITY.index(reason) if reason in _GRAVITY else len(_GRAVITY)


def lift_address(session: Session, *, address: str, reason: str) -> int:
    """Lift every stop on an address and on the people who have it; how many. Raises NotFound when there is none."""
    contacts = [str(contact_id) for contact_id, _account in outside().people.contacts_by_address(session, address)]
    lifted = _lift(session, "address", [address_key(address)], reason) + _lift(session, "contact", contacts, reason)
    if not lifted:
        raise NotFound(f"{address} is not suppressed, so there is nothing to lift")
    return lifted


def _lift(session: Session, scope: str, keys: list[str], reason: str) -> int:
    return (
        session.connection()
        .execute(
            update(Suppression)
            .where(Suppression.scope == scope, Suppression.key.in_(keys), Suppression.lifted_at.is_(None))
            .values(lifted_at=clock.now(), lifted_reason=reason[:200])
        )
        .rowcount
    )


def is_suppressed(session: Session, *, address: str, purpose: str = ALL_PURPOSES) -> bool:
    """Whether the address or its domain is stopped for this purpose or for all mail. For batches: `suppressed`."""
    keys = (("address", address_key(address)), ("domain", domain_key(address)))
    return any(
        session.scalar(
            select(Suppression.id)
            .where(
                Suppression.scope == scope,
                Suppression.key == key,
                Suppression.lifted_at.is_(None),
                Suppression.purpose.in_((purpose, ALL_PURPOSES)),
            )
            .limit(1)
        )
        for scope, key in keys
    )


def list_stops(session: Session, *, address: str, contact_id: int | None = None) -> list[Suppression]:
    """Every stop that was ever set on an address or person, newest first."""
    keys = [("address", address_key(address)), ("domain", domain_key(address))]
    keys += [("contact", str(contact_id))] if contact_id is not None else []
    found = [
        row
        for scope, key in keys
        for row in session.scalars(select(Suppression).where(Suppression.scope == scope, Suppression.key == key))
    ]
    return sorted(found, key=lambda row: row.id, reverse=True)


def unsubscribe(
    session: Session,
    *,
    delivery_id: int,
    is_all_mail: bool = False,
    source: str = "link",
    evidence: dict[str, Any] | None = None,
    purpose: str = "",
) -> Unsubscribed:
    """End a purpose (the delivery's own unless one is given) or all mail for whoever got this delivery.

    A repeat changes nothing. Raises NotFound.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise NotFound("This link belongs to a message that is no longer on file")
    purpose = ALL_PURPOSES if is_all_mail else purpose or purpose_of(session, delivery)
    is_new = suppress_contact(
        session, contact_id=delivery.contact_id, reason="unsubscribed", purpose=purpose, source=source
    )
    if delivery.address:
        by_address = suppress_address(
            session, address=delivery.address, reason="unsubscribed", purpose=purpose, source=source
        )
        is_new = by_address or is_new
    if is_new:
        record_consent(
            session,
            contact_id=delivery.contact_id,
            address=delivery.address or "",
            purpose=purpose,
            kind="withdrawn",
            source=source,
            evidence=evidence,
        )
        stop_people(
            session, reason=Reason.OPTED_OUT, at=clock.now(), contact_ids=[delivery.contact_id], purpose=purpose
        )
    record_event(session, delivery=delivery, kind="unsubscribe", event_key=f"unsubscribe:{delivery.id}:{purpose}")
    return Unsubscribed(purpose, is_new)


def purpose_of(session: Session, delivery: Delivery) -> str:
    """What this delivery was sent for."""
    return session.scalars(select(Run.purpose).where(Run.id == delivery.run_id)).one()


def record_consent(
    session: Session,
    *,
    contact_id: int | None,
    address: str,
    purpose: str,
    kind: str,
    source: str,
    evidence: dict[str, Any] | None = None,
) -> ConsentEvent:
    """Append to the consent log: given, withdrawn, objected or confirmed."""
    entry = ConsentEvent(
        contact_id=contact_id,
        address_key=address_key(address) if address else "",
        purpose=purpose,
        kind=kind,
        source=source,
        evidence=evidence,
        at=clock.now(),
    )
    session.add(entry)
    return entry
