"""Who may be e-mailed at all, in SQL.

A stop for an address or a domain is kept as a keyed digest, which SQL cannot compute. So the digests of people's
addresses are kept in `contact_address`, made for whoever is new or changed right before they are needed.
"""

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    String,
    and_,
    cast,
    delete,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.contacts.consent import basis_in_force
from abm.contacts.models import Contact
from abm.targets.models import AccountChange, ContactAddress
from campaigns.models import Suppression
from core import clock, db
from core.errors import TookTooLong
from core.id_lists import is_among
from core.jobs import stopping
from core.signing import keyed_digest

_CHUNK, _AT_ONCE = 10_000, 500
_ALL_MAIL = "*"
CAN_EMAIL = "can_email"


def may_be_emailed(on: date) -> ColumnElement[bool]:
    """Active, with an address and a lawful basis that is in force on this day, and under no stop of all mail (person,
    account, address, domain).

    Stops for one purpose only do not count here: the send gate judges them for each campaign.
    """
    return and_(
        Contact.is_active.is_(True), Contact.email_key.is_not(None), Contact.email_key != "",
        basis_in_force(on),
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
    """Make the digests of new and changed addresses and forget those that are gone; returns how many were made.

    Looks at the people of accounts whose people changed since the lists were last told of it.
    Nothing is made in a session that only reads: there `keep_addresses_apart` comes first.
    """
    if session.info.get("only_reads"):
        return 0
    return _keep(session, _of_changed_accounts())


def keep_addresses_apart(session: Session, seconds: float) -> None:
    """For a session that only reads: what is lacking is made in transactions of its own, and the session begins anew.

    A write in the reading transaction would fail on SQLite as soon as somebody else has written since it began.
    Raises TookTooLong when it takes longer than `seconds`; what was made by then is kept.
    """
    within = _of_changed_accounts()
    lacking = or_(_missing(within).exists(), select(ContactAddress.contact_id).where(_gone(within)).exists())
    if not session.scalar(select(lacking)):
        return
    ends = time.monotonic() + seconds
    with db.transaction() as own:
        own.execute(delete(ContactAddress).where(_gone(within)))
    last: int | None = 0
    while last is not None:
        if time.monotonic() > ends:
            raise TookTooLong("Many people have just come in and are being looked at; count again in a minute")
        with db.transaction() as own:
            last = _make_next(own, within, after=last)
    session.rollback()


def keep_addresses_in_turns() -> None:
    """The same for a job, in many small transactions of its own: after an import of a million people, others write in
    between. Nothing but the last changes is left to `keep_addresses` then."""
    within, change = _of_changed_accounts(), {_next_gone: _forget, _next_without_digest: _make}
    for find, act in change.items():
        last = 0
        while not stopping():
            with db.reading() as session:
                people = find(session, within, after=last)
            if not people:
                break
            with db.transaction() as session:
                act(session, people)
            last = people[-1][0]


def _next_gone(session: Session, within: ColumnElement[bool] | None, *, after: int) -> Sequence[Any]:
    own = ContactAddress.contact_id
    return session.execute(select(own).where(_gone(within), own > after).order_by(own).limit(_CHUNK)).all()


def _forget(session: Session, people: Sequence[Any]) -> None:
    ids = [contact_id for contact_id, in people]
    session.execute(delete(ContactAddress).where(is_among(ContactAddress.contact_id, ids), _gone(None)))


def _of_changed_accounts() -> ColumnElement[bool]:
    return Contact.account_id.in_(select(AccountChange.account_id).where(AccountChange.kind == "contact"))


def keep_addresses_of(session: Session, account_ids: Sequence[int]) -> int:
    """As above, for the people of these accounts."""
    return _keep(session, is_among(Contact.account_id, account_ids)) if account_ids else 0


def _keep(session: Session, within: ColumnElement[bool] | None) -> int:
    session.execute(delete(ContactAddress).where(_gone(within)))
    made, last = 0, 0
    while people := _next_without_digest(session, within, after=last):
        _make(session, people)
        made, last = made + len(people), people[-1][0]
    return made


def _make_next(session: Session, within: ColumnElement[bool] | None, *, after: int) -> int | None:
    """The id of the last person whose digests were made, None when nobody lacks them."""
    people = _next_without_digest(session, within, after=after)
    _make(session, people)
    return people[-1][0] if people else None


def _make(session: Session, people: Sequence[Any]) -> None:
    """Digests that somebody else has made meanwhile stay as they are."""
    now = clock.now()
    rows = [{"contact_id": contact_id, "address_key": keyed_digest("address", address),
             "domain_key": keyed_digest("domain", address.rpartition("@")[2]), "made_at": now}
            for contact_id, address in people]
    insert = postgres_insert if db.is_postgres(session) else sqlite_insert
    if rows:
        session.connection().execute(insert(ContactAddress).on_conflict_do_nothing(), rows)


def _gone(within: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """Digests whose person or address is another by now."""
    own = select(Contact.id).where(Contact.id == ContactAddress.contact_id, ContactAddress.made_at > Contact.updated_at,
                                   Contact.email_key.is_not(None)).correlate(ContactAddress).exists()
    return not_(own) if within is None else and_(
        not_(own), ContactAddress.contact_id.in_(select(Contact.id).where(within)))


def _missing(within: ColumnElement[bool] | None) -> Select[int, str | None]:
    kept = select(ContactAddress.contact_id).where(ContactAddress.contact_id == Contact.id).exists()
    missing = select(Contact.id, Contact.email_key).where(not_(kept), Contact.email_key.is_not(None))
    return missing if within is None else missing.where(within)


def _next_without_digest(session: Session, within: ColumnElement[bool] | None, *, after: int) -> Sequence[Any]:
    return session.execute(_missing(within).where(Contact.id > after).order_by(Contact.id).limit(_CHUNK)).all()


def find_accounts_of_stops(session: Session, stop_ids: Sequence[int]) -> set[int]:
    """The accounts of the people that these stops are about."""
    keys: dict[str, list[str]] = {"account": [], "contact": [], "address": [], "domain": []}
    for scope, key in session.execute(select(Suppression.scope, Suppression.key)
                                      .where(is_among(Suppression.id, stop_ids))):
        keys[scope].append(key)
    found = {int(key) for key in keys["account"]}
    found |= set(session.scalars(select(Contact.account_id).where(is_among(Contact.id, map(int, keys["contact"])))))
    columns = {"address": ContactAddress.address_key, "domain": ContactAddress.domain_key}
    for scope, column in columns.items():
        for start in range(0, len(keys[scope]), _AT_ONCE):
            own = select(Contact.account_id).join(ContactAddress, ContactAddress.contact_id == Contact.id)
            found |= set(session.scalars(own.where(column.in_(keys[scope][start:start + _AT_ONCE])).distinct()))
    return found
