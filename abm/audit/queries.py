"""Reading the audit log."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from abm.audit.models import AuditDetail, AuditEntry

PAGE = 50


def list_entries(
    session: Session, *, before: int | None = None, text: str = ""
) -> list[tuple[AuditEntry, AuditDetail | None]]:
    """The latest entries before an id, newest first; `text` searches who, what and the subject."""
    query = select(AuditEntry, AuditDetail).outerjoin(AuditDetail, AuditDetail.entry_id == AuditEntry.id)
    if before:
        query = query.where(AuditEntry.id < before)
    if text:
        query = query.where(
            or_(
                AuditEntry.action.icontains(text, autoescape=True),
                AuditEntry.actor.icontains(text, autoescape=True),
                AuditEntry.subject_id.icontains(text, autoescape=True),
            )
        )
    return [(row[0], row[1]) for row in session.execute(query.order_by(AuditEntry.id.desc()).limit(PAGE))]
