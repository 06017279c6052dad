"""Changing people by hand. Imports have their own way in."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.queries import get_account
from abm.audit.actions import record
from abm.contacts.addresses import address_for_comparison
from abm.contacts.matching import BY_PERSON
from abm.contacts.models import Contact, FurtherSeat
from abm.contacts.queries import get_contact
from campaigns.stops import bump
from core import clock

EDITABLE = ("first_name", "last_name", "email", "phone", "title", "department", "buying_role", "influence", "attitude",
            "language", "timezone", "lawful_basis", "basis_source", "consent_kind", "custom")


def create_contact(session: Session, *, account_id: int, values: Mapping[str, Any]) -> Contact:
    """Make a person at an account from checked values (see forms.py)."""
    now = clock.now()
    own = {name: values[name] for name in EDITABLE if name in values}
    contact = Contact(external_id=f"abm-{secrets.token_hex(6)}", account_id=account_id,
                      email_key=_key(own.get("email")), basis_at=_basis_at(values, own["lawful_basis"], now),
                      created_at=now, updated_at=now, **own)
    session.add(contact)
    session.flush()
    record(session, action="contact.create", subject="contact", subject_id=contact.id, after=own)
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    add_account_event(session, account_id=account_id, contact_id=contact.id, kind="contact",
                      title=f"Person added: {name}"[:300] if name else "Person added", link=f"/contacts/{contact.id}")
    return contact


def update_contact(session: Session, *, contact_id: int, values: Mapping[str, Any]) -> Contact:
    """Change the given values, on record. A new basis, kind or source is dated `basis_at`, else now. Raises NotFound.
    """
    contact = get_contact(session, contact_id)
    changed = {name: values[name] for name in EDITABLE if name in values and values[name] != getattr(contact, name)}
    if values.get("basis_at") and values["basis_at"] != contact.basis_at:
        changed["basis_at"] = values["basis_at"]
    if not changed:
        return contact
    before = {name: getattr(contact, name) for name in changed}
    for name, value in changed.items():
        setattr(contact, name, value)
    now = clock.now()
    contact.email_key, contact.updated_at = _key(contact.email), now
    if {"lawful_basis", "basis_source", "consent_kind", "basis_at"} & changed.keys():
        contact.basis_at = _basis_at(values, contact.lawful_basis, now)
        bump(session)
    record(session, action="contact.update", subject="contact", subject_id=contact.id, before=before, after=changed)
    session.flush()
    return contact


def move_contact(session: Session, *, contact_id: int, account_id: int) -> Contact:
    """A person decides that somebody belongs to another account; no import changes that again. Who reports to whom
    ends, and a part played at the new account becomes the own one. Raises NotFound."""
    contact, account = get_contact(session, contact_id), get_account(session, account_id)
    before = {"account_id": contact.account_id, "match_rule": contact.match_rule}
    came_from = contact.account_id
    contact.account_id, contact.match_rule, contact.match_score = account.id, BY_PERSON, 100
    contact.reports_to_id, contact.updated_at = None, clock.now()
    session.execute(update(Contact).where(Contact.reports_to_id == contact.id).values(reports_to_id=None))
    session.execute(delete(FurtherSeat).where(FurtherSeat.contact_id == contact.id,
                                              FurtherSeat.account_id == account.id))
    record(session, action="contact.move", subject="contact", subject_id=contact.id, before=before,
           after={"account_id": account.id, "match_rule": BY_PERSON})
    for place, title in ((came_from, f"Person moved to {account.name}"), (account.id, "Person moved here")):
        add_account_event(session, account_id=place, contact_id=contact.id, kind="contact", title=title,
                          link=f"/contacts/{contact.id}")
    session.flush()
    bump(session)
    return contact


def deactivate_contact(session: Session, *, contact_id: int, reason: str = "") -> Contact:
    """The person has left: stays on record, is never written to. Sending processes notice at once."""
    return _set_active(session, contact_id, is_active=False, title="Person left", reason=reason)


def reactivate_contact(session: Session, *, contact_id: int) -> Contact:
    """The person is there again."""
    return _set_active(session, contact_id, is_active=True, title="Person is back", reason="")


def _set_active(session: Session, contact_id: int, *, is_active: bool, title: str, reason: str) -> Contact:
    contact = get_contact(session, contact_id)
    if contact.is_active is is_active:
        return contact
    contact.is_active, contact.updated_at = is_active, clock.now()
    record(session, action="contact.reactivate" if is_active else "contact.deactivate", subject="contact",
           subject_id=contact.id, before={"is_active": not is_active},
           after={"is_active": is_active, "reason": reason[:300]})
    add_account_event(session, account_id=contact.account_id, contact_id=contact.id, kind="contact", title=title,
                      text=reason[:300], link=f"/contacts/{contact.id}")
    bump(session)
    return contact


def _basis_at(values: Mapping[str, Any], lawful_basis: str, now: datetime) -> datetime | None:
    return None if lawful_basis == "none" else values.get("basis_at") or now


def _key(email: str | None) -> str | None:
    return address_for_comparison(email) if email else None
