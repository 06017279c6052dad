"""Calls a day against what the callers can make."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.work.models import Task

CALL_MINUTES = 15  # with looking up, writing down and dialling again
WEEKS_A_MONTH = 52 / 12


@dataclass(frozen=True, slots=True)
class CallLoad:
    """`a_day`: calls that the callers can make on a working day, None while nobody has set their hours."""

    a_day: int | None
    planned: Mapping[date, int]

    def over(self, day: date, more: int) -> int:
        """Calls of that day beyond what can be made, those of this campaign on top of what is planned already."""
        return max(more + self.planned.get(day, 0) - self.a_day, 0) if self.a_day is not None and more else 0


def find_call_load(session: Session, *, first: date, last: date) -> CallLoad:
    """Open calls due on these days (earlier ones count for the first), and the callers' hours as calls a day."""
    company = get_company(session)
    hours = company.available_hours.get("callers")
    days = len(company.working_days) * WEEKS_A_MONTH
    rows = session.execute(select(Task.due_on, func.count()).where(
        Task.kind == "call", Task.state == "open", Task.due_on.is_not(None), Task.due_on <= last).group_by(Task.due_on))
    planned: dict[date, int] = {}
    for due_on, count in rows:
        day = max(due_on or first, first)
        planned[day] = planned.get(day, 0) + count
    return CallLoad(int(hours * 60 / CALL_MINUTES / days) if hours and days else None, planned)
