"""A meeting that was agreed on the telephone or at a visit becomes a visit of its day."""

from datetime import date

from sqlalchemy.orm import Session

from abm.audit.actions import actor
from abm.work.actions import create_task
from abm.work.forms import TaskValues
from abm.work.models import Task
from core import clock


def plan_meeting(session: Session, task: Task, *, on: date | None) -> Task | None:
    """A visit on that day to the same person, of whoever agreed it; none where no day was said."""
    if on is None or task.account_id is None:
        return None
    values = TaskValues(title=f"Meeting agreed: {task.title}"[:300], kind="visit", note=task.outcome_note, due_on=on,
                        owner_id=actor().user_id or task.owner_id, account_id=task.account_id,
                        contact_id=task.contact_id, script="")
    # A call by hand may be opened and ended again, with another day.
    key = f"{task.id}.{clock.now():%Y%m%d%H%M%S%f}"
    return create_task(session, values=values, origin="agreed", origin_id=key)
