"""Reading visits: what is ahead, and how strictly they were walked lately."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from abm.work.models import Task
from core import clock

LATELY = timedelta(days=90)
_WITH_NAMES = (joinedload(Task.account), joinedload(Task.contact), joinedload(Task.owner))


@dataclass(frozen=True, slots=True)
class Strictness:
    """Of somebody's visits that ended in the last 90 days: how many, and the mean share of steps walked in order."""

    name: str
    visits: int
    percent: int


def list_visits(session: Session, *, user_id: int | None, limit: int = 100) -> Sequence[Task]:
    """Open visits, the earliest due first. `user_id`: that person's own and nobody's; None: everybody's."""
    query = (select(Task).options(*_WITH_NAMES).where(Task.kind == "visit", Task.state == "open")
             .order_by(Task.due_on.is_(None), Task.due_on, Task.id).limit(limit))
    if user_id is not None:
        query = query.where((Task.owner_id == user_id) | Task.owner_id.is_(None))
    return session.scalars(query).all()


def list_past_visits(session: Session, *, limit: int = 20) -> Sequence[Task]:
    """Visits that are over, the latest first."""
    return session.scalars(select(Task).options(*_WITH_NAMES).where(Task.kind == "visit", Task.state == "done")
                           .order_by(Task.done_at.desc(), Task.id.desc()).limit(limit)).all()


def measure_strictness(session: Session) -> list[Strictness]:
    """By owner, the strictest first."""
    rows = session.scalars(select(Task).options(joinedload(Task.owner)).where(
        Task.kind == "visit", Task.state == "done", Task.done_at > clock.now() - LATELY))
    figures: dict[str, list[int]] = defaultdict(list)
    for task in rows:
        if "strictness" in (task.extra or {}):
            figures[task.owner.name if task.owner else "nobody"].append((task.extra or {})["strictness"])
    found = [Strictness(name, len(values), round(fmean(values))) for name, values in figures.items()]
    return sorted(found, key=lambda one: (-one.percent, one.name))
