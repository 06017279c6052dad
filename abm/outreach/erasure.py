"""Erasing one person: rows, words about them anywhere, files; afterwards no table holds the address.

What stays is a keyed digest of the address among the stops, so that an objection outlives the erasure.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Table, delete, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import AccountEvent
from abm.audit.actions import record
from abm.contacts.models import Contact
from abm.outreach.answers import TIMELINE_KIND
from abm.outreach.models import Forecast
from abm.outreach.person_export import lowered, text_columns
from campaigns import consent, stops
from campaigns.keys import address_key
from campaigns.models import ConsentEvent, Delivery, Event
from campaigns.states import Reason
from campaigns.stopping import stop_people
from core import clock
from core.db import Base, engine
from core.errors import NotFound
from core.settings import settings

ERASED = "[erased]"
_TEXT_FILES = frozenset({".csv", ".tsv", ".txt", ".json", ".yaml", ".yml", ".log", ".jsonl"})
_UNTOUCHED = frozenset({"secret.key"})


def erase_person(session: Session, *, email: str) -> dict[str, int]:
    """Erase an address and the people who have it; what was done, in counts. Raises NotFound.

    Messages that were not handed over are cancelled. Files are changed at once, also if the transaction fails later.
    """
    address = email.strip()
    contacts = list(session.scalars(select(Contact).where(Contact.email_key == address.lower())))
    ids = [contact.id for contact in contacts]
    if not contacts and not _is_on_file(session, address):
        raise NotFound(f"Nothing is on file about {address}")
    consent.suppress_address(session, address=address, reason=Reason.ERASED.value, source="erasure")
    stop_people(session, reason=Reason.ERASED, at=clock.now(), contact_ids=ids)
    deliveries = _erase_engine_rows(session, ids, address)
    cells = _erase_words(session, address) + sum(_erase_name(session, contact) for contact in contacts)
    session.execute(delete(Contact).where(Contact.id.in_(ids)))
    session.execute(delete(Forecast).where(Forecast.kind == "check"))  # their findings name examples
    stops.bump(session)
    files = erase_from_files(address)
    record(session, action="erase", subject="address", subject_id=address_key(address))
    return {"contacts": len(ids), "deliveries": deliveries, "cells": cells, "files": files}


def _is_on_file(session: Session, address: str) -> bool:
    return (
        bool(consent.list_stops(session, address=address))
        or session.scalar(select(Delivery.id).where(Delivery.address_key == address_key(address)).limit(1)) is not None
    )


def _erase_engine_rows(session: Session, ids: Sequence[int], address: str) -> int:
    """Deliveries keep their state and counts; addresses, words and raw signs of events go."""
    own = Delivery.contact_id.in_(ids) | (Delivery.address_key == address_key(address))
    touched = list(session.scalars(select(Delivery.id).where(own)))
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(touched))
        .values(address=None, detail=None)
        .execution_options(synchronize_session=False)
    )
    about = Event.contact_id.in_(ids) | Event.delivery_id.in_(touched)
    session.execute(update(Event).where(about).values(text=None, raw=None).execution_options(synchronize_session=False))
    session.execute(
        update(ConsentEvent)
        .where(ConsentEvent.contact_id.in_(ids))
        .values(evidence=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(AccountEvent)
        .where(AccountEvent.contact_id.in_(ids), AccountEvent.kind == TIMELINE_KIND)
        .values(text="")
        .execution_options(synchronize_session=False)
    )
    return len(touched)


def _erase_words(session: Session, address: str) -> int:
    """Replace the address in every text and JSON column of every table; how many cells."""
    pattern = re.compile(re.escape(address), re.IGNORECASE)
    return sum(
        _replace(session, table, column, address, pattern, None)
        for table in Base.metadata.sorted_tables
        if table.name != "contact"
        for column in text_columns(table)
    )


def _erase_name(session: Session, contact: Contact) -> int:
    """Replace the full name and the phone number in rows that name the person."""
    words = [f"{contact.first_name or ''} {contact.last_name or ''}".strip(), contact.phone or ""]
    count = 0
    for word in words:
        if len(word) < 5:
            continue
        pattern = re.compile(re.escape(word), re.IGNORECASE)
        for table in Base.metadata.sorted_tables:
            if "contact_id" in table.c:
                count += sum(
                    _replace(session, table, column, word, pattern, contact.id) for column in text_columns(table)
                )
    return count


def _replace(
    session: Session, table: Table, column: Any, word: str, pattern: re.Pattern[str], contact_id: int | None
) -> int:
    wanted = lowered(column).contains(
        json.dumps(word.lower())[1:-1] if isinstance(column.type, JSON) else word.lower(), autoescape=True
    )
    where = wanted if contact_id is None else wanted & (table.c.contact_id == contact_id)
    keys = list(table.primary_key.columns)
    rows = session.execute(select(*keys, column.label("found_value")).where(where)).mappings().all()
    for row in rows:
        same = [key == row[key.name] for key in keys]
        session.execute(update(table).where(*same).values({column.name: _without(row["found_value"], pattern)}))
    return len(rows)


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, dict):
        return {_without(key, pattern): _without(item, pattern) for key, item in value.items()}
    return [_without(item, pattern) for item in value] if isinstance(value, list) else value


def erase_from_files(address: str) -> int:
    """Messages to the address go from the outbox; uploads, reports and exports lose the address. How many files."""
    folder = settings().data_dir
    return sum(
        _erase_from_file(path, address)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in _UNTOUCHED and path.suffix.lower() in _TEXT_FILES | {".eml"}
    )


def _erase_from_file(path: Path, address: str) -> int:
    octets = path.read_bytes()
    pattern = re.compile(re.escape(address.encode()), re.IGNORECASE)
    if not pattern.search(octets):
        return 0
    if path.suffix.lower() == ".eml":
        path.unlink()
        return 1
    path.write_bytes(pattern.sub(ERASED.encode(), octets))
    return 1


def wipe_deleted_pages() -> None:
    """On SQLite deleted rows stay readable in the file until it is rewritten: do that now."""
    if not settings().is_sqlite:
        return
    with engine().connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("COMMIT") if raw.in_transaction else None
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
