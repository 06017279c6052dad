"""Opting in again, as double opt-in: asked for on the preference page, confirmed by a signed link in a mail.

The consent log keeps both: who asked, when, from where and in which wording, and that the mailbox confirmed it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.consent import record_consent, suppress_address, suppress_contact
from campaigns.models import ConsentEvent, Delivery, Suppression
from campaigns.outside import outside
from campaigns.preferences import ASKED, ASKED_FOR, is_own, list_preferences, stops_of
from campaigns.suppressed import ALL_PURPOSES
from core import clock
from core.errors import NotFound, Refused
from core.settings import settings
from core.signing import read_id, sign_id

OPT_IN = "opt-in"
SOURCE = "double opt-in"
# Grows with every change of the words that people agree to; the words themselves are kept with the evidence.
WORDING_VERSION = "opt-in/1"
AGAIN_AFTER = timedelta(hours=1)
_WITHDRAWN = ("withdrawn", "objected")


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to be written to again about a purpose, and the delivery whose page it came from."""

    entry: ConsentEvent
    delivery: Delivery
    is_confirmed: bool


# What somebody agrees to; the application says it in the recipient's language.
WORDING = "{company} may write to me by e-mail about {purpose}. I can stop these messages at any time."


@dataclass(frozen=True, slots=True)
class Wording:
    """The words that somebody agreed to, and their language."""

    text: str
    language: str


def confirm_url(request_id: int) -> str:
    return f"{settings().base_url}/p/confirm/{sign_id(OPT_IN, request_id)}"


def read_confirm(token: str) -> int | None:
    """The request that a link confirms, or None for a token that is not ours."""
    return read_id(OPT_IN, token)


def ask_again(
    session: Session, *, delivery: Delivery, purpose: str, agreed: Wording, evidence: dict[str, Any]
) -> ConsentEvent | None:
    """Note the wish; nothing is lifted yet. None where the same wish is less than an hour old. Raises Refused."""
    found = next((one for one in list_preferences(session, delivery) if one.purpose == purpose), None)
    if found is None or found.is_on or found.is_fixed:
        raise Refused("These messages cannot be turned on here; please write to us")
    recent = select(ConsentEvent.id).where(
        ConsentEvent.contact_id == delivery.contact_id, ConsentEvent.purpose == purpose, ConsentEvent.kind == ASKED,
        ConsentEvent.at > clock.now() - AGAIN_AFTER)
    if found.is_waiting and session.scalars(recent.limit(1)).first():
        return None
    own = {"delivery": delivery.id, "wording": agreed.text, "wording_version": WORDING_VERSION,
           "language": agreed.language}
    entry = record_consent(session, contact_id=delivery.contact_id, address=delivery.address or "", purpose=purpose,
                           kind=ASKED, source="preference page", evidence={**evidence, **own})
    session.flush()
    return entry


def get_request(session: Session, request_id: int, *, is_held: bool = False) -> Request:
    """Raises NotFound for one that is gone, Refused for one that is too old or was withdrawn since.

    `is_held`: nobody else can confirm it until this transaction ends.
    """
    wanted = select(ConsentEvent).where(ConsentEvent.id == request_id, ConsentEvent.kind == ASKED)
    entry = session.scalars(wanted.with_for_update() if is_held else wanted).first()
    delivery = session.get(Delivery, (entry.evidence or {}).get("delivery", 0)) if entry else None
    if entry is None or delivery is None:
        raise NotFound("This link belongs to a request that is no longer on file")
    later = list(session.scalars(select(ConsentEvent).where(
        ConsentEvent.contact_id == entry.contact_id, ConsentEvent.id > entry.id)))
    is_confirmed = any(one.kind == "confirmed" and (one.evidence or {}).get("request") == entry.id for one in later)
    if is_confirmed:
        return Request(entry, delivery, is_confirmed=True)
    if any(one.kind in _WITHDRAWN and one.purpose in (entry.purpose, ALL_PURPOSES) for one in later):
        raise Refused("You have stopped these messages since; ask again on the preference page")
    if clock.now() - entry.at > ASKED_FOR:
        raise Refused("This link is older than 30 days; ask again on the preference page")
    return Request(entry, delivery, is_confirmed=False)


def confirm(session: Session, *, request_id: int, evidence: dict[str, Any]) -> Request:
    """The mailbox agrees: the person's own stops of this purpose are lifted and the consent is kept; once.

    Where all mail was stopped, the other purposes stay stopped. Raises NotFound or Refused.
    """
    found = get_request(session, request_id, is_held=True)
    if found.is_confirmed:
        return found
    entry, delivery = found.entry, found.delivery
    kept = {name: (entry.evidence or {}).get(name) for name in ("wording", "wording_version", "language")}
    _lift(session, delivery, entry.purpose)
    record_consent(session, contact_id=delivery.contact_id, address=delivery.address or "", purpose=entry.purpose,
                   kind="confirmed", source=SOURCE,
                   evidence={**evidence, **kept, "request": entry.id, "asked_at": entry.at.isoformat()})
    outside().people.keep_consent(session, delivery.contact_id, source=f"{SOURCE} for {entry.purpose}")
    stops.bump(session)
    return Request(entry, delivery, is_confirmed=True)


def _lift(session: Session, delivery: Delivery, purpose: str) -> None:
    others = [one.purpose for one in list_preferences(session, delivery) if one.purpose != purpose and not one.is_on]
    held: list[Suppression] = [stop for stop in stops_of(session, delivery) if stop.purpose in (purpose, ALL_PURPOSES)]
    if any(not is_own(stop) for stop in held):
        raise Refused("These messages cannot be turned on here; please write to us")
    for other in others:
        suppress_contact(session, contact_id=delivery.contact_id, reason="unsubscribed", purpose=other, source=SOURCE)
        suppress_address(session, address=delivery.address or "", reason="unsubscribed", purpose=other, source=SOURCE)
    for stop in held:
        stop.lifted_at, stop.lifted_reason = clock.now(), SOURCE
    session.flush()
