"""Who may be e-mailed at all, in SQL.

A stop for an address or a domain is kept as a keyed digest, which SQL cannot compute. So the digests of people's
addresses are kept in `contact_address`, made for whoever is new or changed right before they are needed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, and_, cast, delete, insert, not_, select
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from abm.targets.models import ContactAddress
from campaigns.models import Suppression
from core import clock
from core.signing import keyed_digest

_CHUNK = 10_000
_ALL_MAIL = "*"


def may_be_emailed() -> ColumnElement[bool]:
    """Active, with an address and a lawful basis, and under no stop of all mail (person, account, address, domain).

    Stops for one purpose only do not count here: the send gate judges them for each campaign.
    """
    return and_(
        Contact.is_active.is_(True), Contact.email_key.is_not(None), Contact.email_key != "",
        Contact.lawful_basis != "none",
        not_(_is_stopped("contact", cast(Contact.id, String))),
        not_(_is_stopped("account", cast(Contact.account_id, String))),
        not_(_is_address_stopped("address", ContactAddress.address_key)),
        not_(_is_address_stopped("domain", ContactAddress.domain_key)),
    )


def _in_force(scope: str) -> ColumnElement[bool]:
    return and_(Suppression.scope == scope, Suppression.purpose == _ALL_MAIL, Suppression.lifted_at.is_(None))


def _is_stopped(scope: str, key: ColumnElement[str]) -> ColumnElement[bool]:
    return select(Suppression.id).where(_in_force(scope), Suppression.key == key).correlate(Contact).exists()


def _is_address_stopped(scope: str, digest: SQLColumnExpression[str]) -> ColumnElement[bool]:
    found = select(ContactAddress.contact_id).join(Suppression, and_(Suppression.key == digest, _in_force(scope)))
    return found.where(ContactAddress.contact_id == Contact.id).correlate(Contact).exists()


def keep_addresses(session: Session) -> int:
    """Make the digests of new and changed addresses and forget those that are gone; returns how many were made."""
    own = select(Contact.id).where(Contact.id == ContactAddress.contact_id, ContactAddress.made_at > Contact.updated_at,
                                   Contact.email_key.is_not(None))
    session.execute(delete(ContactAddress).where(not_(own.correlate(ContactAddress).exists())))
    made = 0
    for people in _without_digest(session):
        now = clock.now()
        session.connection().execute(insert(ContactAddress), [
            {"contact_id": contact_id, "address_key": keyed_digest("address", address),
             "domain_key": keyed_digest("domain", address.rpartition("@")[2]), "made_at": now}
            for contact_id, address in people])
        made += len(people)
    return made


def _without_digest(session: Session) -> Iterator[Sequence[Any]]:
    kept = select(ContactAddress.contact_id).where(ContactAddress.contact_id == Contact.id).exists()
    missing = select(Contact.id, Contact.email_key).where(not_(kept), Contact.email_key.is_not(None))
    last = 0
    while rows := session.execute(missing.where(Contact.id > last).order_by(Contact.id).limit(_CHUNK)).all():
        last = rows[-1][0]
        yield rows
