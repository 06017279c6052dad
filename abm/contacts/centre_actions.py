"""Changing the map of a buying centre: the part a person plays, who of us knows them, further accounts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account
from abm.accounts.queries import get_account
from abm.audit.actions import record
from abm.contacts.models import Acquaintance, Contact, FurtherSeat
from abm.contacts.queries import get_contact
from abm.users.models import User
from core import clock
from core.errors import InvalidInput, NotFound

PART = ("buying_role", "influence", "attitude", "reports_to_id")


def set_part(session: Session, *, contact_id: int, values: Mapping[str, Any]) -> Contact:
    """Set role, influence, attitude and superior from checked values; what was looked at counts as confirmed today.
    Raises InvalidInput for a superior who stands below."""
    contact = get_contact(session, contact_id)
    _check_superior(session, contact, values.get("reports_to_id"))
    before = {name: getattr(contact, name) for name in PART}
    changed = {name: values[name] for name in PART if name in values and values[name] != before[name]}
    for name, value in changed.items():
        setattr(contact, name, value)
    contact.confirmed_at = contact.updated_at = clock.now()
    record(session, action="contact.part", subject="contact", subject_id=contact.id,
           before={name: before[name] for name in changed}, after=changed)
    if "attitude" in changed or "buying_role" in changed:
        add_account_event(session, account_id=contact.account_id, contact_id=contact.id, kind="contact",
                          title="Part in the buying centre changed", link=f"/contacts/{contact.id}")
    return contact


def _check_superior(session: Session, contact: Contact, superior_id: int | None) -> None:
    seen: set[int] = set()
    above = superior_id
    while above is not None and above not in seen:
        if above == contact.id:
            sentence = "Nobody reports to themselves, not even in a circle"
            raise InvalidInput("The part was not saved", {"reports_to_id": sentence})
        seen.add(above)
        superior = session.get(Contact, above)
        above = superior.reports_to_id if superior else None


def confirm_part(session: Session, *, contact_id: int) -> Contact:
    """Somebody says that this person is still there in the same part."""
    contact = get_contact(session, contact_id)
    contact.confirmed_at = clock.now()
    record(session, action="contact.confirm", subject="contact", subject_id=contact.id)
    return contact


def set_acquaintance(session: Session, *, contact_id: int, user_id: int, strength: int | None,
                     since: date | None = None) -> None:
    """One of us knows this person, so well (1 to 3); None takes it away."""
    contact = get_contact(session, contact_id)
    if session.get(User, user_id) is None:
        raise NotFound("There is no such user")
    tie = session.get(Acquaintance, (user_id, contact.id))
    before = tie.strength if tie else None
    if strength is None:
        if tie is not None:
            session.delete(tie)
    elif tie is None:
        session.add(Acquaintance(user_id=user_id, contact_id=contact.id, strength=strength, since=since,
                                 created_at=clock.now()))
    else:
        tie.strength, tie.since = strength, since or tie.since
    record(session, action="contact.acquaintance", subject="contact", subject_id=contact.id,
           before={"user_id": user_id, "strength": before}, after={"user_id": user_id, "strength": strength})
    session.flush()


def add_further_seat(session: Session, *, contact_id: int, account_id: int, buying_role: str | None,
                     title: str | None) -> FurtherSeat:
    """Give a person a part at a further account. Raises InvalidInput for the own one."""
    contact, account = get_contact(session, contact_id), get_account(session, account_id)
    if contact.account_id == account.id:
        raise InvalidInput("The part was not saved", {"account": "This is the person's own account"})
    seat = session.get(FurtherSeat, (contact.id, account.id))
    if seat is None:
        seat = FurtherSeat(contact_id=contact.id, account_id=account.id, created_at=clock.now())
        session.add(seat)
    seat.buying_role, seat.title = buying_role, title
    session.flush()
    _note_seat(session, contact, account, "Person has a part here too", "contact.seat_add")
    return seat


def remove_further_seat(session: Session, *, contact_id: int, account_id: int) -> None:
    """Take a person's part at a further account away."""
    seat = session.get(FurtherSeat, (contact_id, account_id))
    if seat is None:
        raise NotFound("This person has no part there")
    session.delete(seat)
    session.flush()
    _note_seat(session, get_contact(session, contact_id), get_account(session, account_id),
               "Person has no part here any more", "contact.seat_remove")


def _note_seat(session: Session, contact: Contact, account: Account, title: str, action: str) -> None:
    record(session, action=action, subject="contact", subject_id=contact.id, after={"account_id": account.id})
    add_account_event(session, account_id=account.id, contact_id=contact.id, kind="contact", title=title,
                      link=f"/contacts/{contact.id}")
