"""Writing the audit log. Who acts is set once at the edge (request, command, job) and read here."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from abm.audit.models import AuditDetail, AuditEntry
from core import clock


@dataclass(frozen=True)
class Actor:
    """Who does something: a signed-in user, or the system (commands, jobs)."""

    name: str
    user_id: int | None = None
    ip: str = ""


SYSTEM = Actor("system")
_acting: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def act_as(actor: Actor) -> None:
    """From here on (in this request, command or job) changes are recorded under this name."""
    _acting.set(actor)


def actor() -> Actor:
    return _acting.get()


def record(session: Session, *, action: str, subject: str, subject_id: object = "",
           before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None) -> None:
    """Record a change in the same transaction as the change itself. Values must be JSON (texts, numbers)."""
    acting = actor()
    entry = AuditEntry(at=clock.now(), user_id=acting.user_id, actor=acting.name, action=action, subject=subject,
                       subject_id=str(subject_id), ip=acting.ip)
    session.add(entry)
    if before or after:
        session.flush()
        session.add(AuditDetail(entry_id=entry.id, before=dict(before or {}), after=dict(after or {})))
