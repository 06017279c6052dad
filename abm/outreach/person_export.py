"""Everything that is on file about one address, in a form that programs read."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, cast, func, or_, select, types
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from campaigns.consent import list_stops
from campaigns.keys import address_key
from campaigns.models import ConsentEvent, Delivery, Event
from core.db import Base
from core.errors import NotFound

_INTERNAL = {"address_key", "email_key", "batch_id", "fence", "lone_losses"}
_OWN = {"contact", "delivery", "event", "consent_event", "suppression", "attempt"}


def export_person(session: Session, *, email: str) -> dict[str, Any]:
    """All rows about an address. Raises NotFound when nothing is on file."""
    contacts = list(session.scalars(select(Contact).where(Contact.email_key == email.strip().lower())))
    ids = [contact.id for contact in contacts]
    own_key = address_key(email)
    deliveries = _rows(session, Delivery.__table__, or_(Delivery.contact_id.in_(ids), Delivery.address_key == own_key))
    owners: list[int | None] = [*ids] or [None]
    stops = [row for contact_id in owners for row in list_stops(session, address=email, contact_id=contact_id)]
    consents = _rows(
        session, ConsentEvent.__table__, or_(ConsentEvent.contact_id.in_(ids), ConsentEvent.address_key == own_key)
    )
    if not contacts and not deliveries and not stops and not consents:
        raise NotFound(f"Nothing is on file about {email}")
    events = or_(Event.contact_id.in_(ids), Event.delivery_id.in_([row["id"] for row in deliveries]))
    return {
        "email": email,
        "contacts": [_contact(session, contact) for contact in contacts],
        "deliveries": deliveries,
        "events": _rows(session, Event.__table__, events),
        "consent": consents,
        "suppressions": list({row.id: _plain_stop(row) for row in stops}.values()),
        "other": _other(session, ids),
    }


def _contact(session: Session, contact: Contact) -> dict[str, Any]:
    row = _rows(session, Contact.__table__, Contact.id == contact.id)[0]
    return row | {"account": contact.account.name, "account_external_id": contact.account.external_id}


def _plain_stop(row: Any) -> dict[str, Any]:
    return {
        name: getattr(row, name)
        for name in ("scope", "purpose", "reason", "source", "created_at", "lifted_at", "lifted_reason")
    }


def _other(session: Session, ids: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Rows of every other table that name the person: tasks, touches, meetings and what comes later."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in _OWN and "contact_id" in table.c and ids:
            rows = _rows(session, table, table.c.contact_id.in_(ids))
            if rows:
                found[table.name] = rows
    return found


def _rows(session: Session, table: Any, where: ColumnElement[bool]) -> list[dict[str, Any]]:
    assert isinstance(table, Table)
    return [
        {name: value for name, value in row.items() if name not in _INTERNAL}
        for row in session.execute(select(table).where(where)).mappings()
    ]


def text_columns(table: Table) -> list[Any]:
    """Columns that may hold words: text and JSON."""
    return [column for column in table.c if isinstance(column.type, types.String | types.JSON)]


def lowered(column: Any) -> ColumnElement[str]:
    """A column's words in lower case, whatever its type."""
    return func.lower(cast(column, types.Text))
