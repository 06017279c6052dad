"""Erasing one person: their rows, words about them anywhere, files, the queue server.

What stays is a keyed digest of the address among the stops, so that an objection outlives the erasure, and the books:
states, counts and costs without anybody's name.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.contacts.models import Contact
from abm.outreach.erasure_files import erase_from_files, erase_from_queue
from abm.outreach.erasure_rows import clear_rows
from abm.outreach.erasure_traces import ERASED, erase_traces, forget_elsewhere, traces_of
from abm.outreach.models import Forecast
from campaigns import consent, stops
from campaigns.keys import address_key
from campaigns.models import Delivery
from campaigns.states import Reason
from campaigns.stopping import stop_people
from core import clock
from core.db import engine
from core.errors import NotFound
from core.settings import settings
from core.words import forget_removed_words

__all__ = ["ERASED", "erase_person", "wipe_deleted_pages"]


def erase_person(session: Session, *, email: str) -> dict[str, int]:
    """Erase an address and the people who have it; what was done, in counts. Raises NotFound.

    Messages that were not handed over are cancelled. Files are changed at once, also if the transaction fails later.
    """
    address = email.strip()
    contacts = list(session.scalars(select(Contact).where(Contact.email_key == address.lower())))
    ids, accounts = [contact.id for contact in contacts], {contact.account_id for contact in contacts}
    if not contacts and not _is_on_file(session, address):
        raise NotFound(f"Nothing is on file about {address}")
    addresses = {address, *forget_elsewhere(session, ids)}
    for one in addresses:
        consent.suppress_address(session, address=one, reason=Reason.ERASED.value, source="erasure")
    stop_people(session, reason=Reason.ERASED, at=clock.now(), contact_ids=ids)
    deliveries = _deliveries_of(session, ids, addresses)
    clear_rows(session, ids, deliveries)
    traces = traces_of(session, contacts, addresses)
    session.execute(update(Contact).where(Contact.reports_to_id.in_(ids)).values(reports_to_id=None))
    session.execute(delete(Contact).where(Contact.id.in_(ids)))
    session.execute(delete(Forecast).where(Forecast.kind == "check"))  # their findings name examples
    cells = erase_traces(session, traces, contact_ids=ids, account_ids=accounts)
    stops.bump(session)
    mails = [trace.pattern for trace in traces.everywhere if not trace.is_name]
    names = [trace.pattern for trace in traces.everywhere if trace.is_name]
    files, queued = erase_from_files(mails, names), erase_from_queue([*mails, *names])
    record(session, action="erase", subject="address", subject_id=address_key(address))
    return {"contacts": len(ids), "deliveries": len(deliveries), "cells": cells, "files": files, "queued": queued}


def _is_on_file(session: Session, address: str) -> bool:
    return (
        bool(consent.list_stops(session, address=address))
        or session.scalar(select(Delivery.id).where(Delivery.address_key == address_key(address)).limit(1)) is not None
    )


def _deliveries_of(session: Session, ids: Sequence[int], addresses: Collection[str]) -> list[int]:
    keys = [address_key(address) for address in addresses]
    return list(session.scalars(select(Delivery.id).where(Delivery.contact_id.in_(ids)
                                                          | Delivery.address_key.in_(keys))))


def wipe_deleted_pages() -> None:
    """On SQLite deleted rows stay readable in the file until it is rewritten: do that now."""
    if not settings().is_sqlite:
        return
    with engine().connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("COMMIT") if raw.in_transaction else None
        for statement in forget_removed_words():
            raw.execute(statement)
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
