"""Reading the audit log."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from abm.audit.models import AuditDetail, AuditEntry

PAGE = 50


EXPORT_COLUMNS = ("at", "actor", "action", "subject", "subject_id", "before", "after", "ip")


def list_entries(
    session: Session, *, before: int | None = None, text: str = ""
) -> list[tuple[AuditEntry, AuditDetail | None]]:
    """The latest entries before an id, newest first; `text` searches who, what and the subject."""
    query = select(AuditEntry, AuditDetail).outerjoin(AuditDetail, AuditDetail.entry_id == AuditEntry.id)
    if before:
        query = query.where(AuditEntry.id < before)
    found = session.execute(query.where(*_search(text)).order_by(AuditEntry.id.desc()).limit(PAGE))
    return [(row[0], row[1]) for row in found]


def _search(text: str) -> list[ColumnElement[bool]]:
    parts = (AuditEntry.action, AuditEntry.actor, AuditEntry.subject_id)
    return [or_(*(part.icontains(text, autoescape=True) for part in parts))] if text else []


def export_entries(session: Session, *, text: str = "") -> Iterator[Sequence[Any]]:
    """Every entry that fits as a row of EXPORT_COLUMNS, newest first; read as it goes."""
    query = (
        select(AuditEntry.at, AuditEntry.actor, AuditEntry.action, AuditEntry.subject, AuditEntry.subject_id,
               AuditDetail.before, AuditDetail.after, AuditEntry.ip)
        .outerjoin(AuditDetail, AuditDetail.entry_id == AuditEntry.id).where(*_search(text))
        .order_by(AuditEntry.id.desc()))
    yield from session.execute(query, execution_options={"yield_per": 5_000})
