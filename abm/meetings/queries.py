"""Reading meetings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.meetings.models import Decision, Meeting
from abm.users.models import User
from abm.work.models import Task
from core.errors import NotFound

# SQL's outer joins leave account, user and task out; the row's types cannot say so.
DecisionRow = Row[Decision, Account, User, Task]


def get_meeting(session: Session, meeting_id: int) -> Meeting:
    meeting = session.get(Meeting, meeting_id)
    if meeting is None:
        raise NotFound("There is no such meeting")
    return meeting


def list_meetings(session: Session, *, limit: int = 50) -> list[Meeting]:
    """The latest first."""
    return list(session.scalars(select(Meeting).order_by(Meeting.held_on.desc(), Meeting.id.desc()).limit(limit)))


def find_next_meeting(session: Session) -> Meeting | None:
    """The meeting that is open, else the earliest planned one."""
    return session.scalar(select(Meeting).where(Meeting.state.in_(("open", "planned")))
                          .order_by(Meeting.state, Meeting.held_on, Meeting.id).limit(1))


def find_last_meeting(session: Session, *, before: Meeting | None = None) -> Meeting | None:
    """The latest closed meeting, or the latest that was closed before the given one."""
    query = select(Meeting).where(Meeting.state == "closed").order_by(Meeting.closed_at.desc(), Meeting.id.desc())
    if before is not None and before.closed_at is not None:
        query = query.where(Meeting.closed_at < before.closed_at)
    return session.scalar(query.limit(1))


def since_moment(session: Session, meeting: Meeting) -> datetime | None:
    """From when this meeting looks: when the agenda of the one before it was frozen; None for the first."""
    last = find_last_meeting(session, before=meeting)
    return last.frozen_at if last else None


def list_decisions(session: Session, meeting_id: int) -> Sequence[DecisionRow]:
    """Rows (decision, account or None, owner or None, task or None), in the order they were made."""
    return session.execute(
        select(Decision, Account, User, Task)
        .outerjoin(Account, Account.id == Decision.account_id)
        .outerjoin(User, User.id == Decision.owner_id)
        .outerjoin(Task, Task.id == Decision.task_id)
        .where(Decision.meeting_id == meeting_id).order_by(Decision.id)
    ).all()


DECISION_COLUMNS = ("item", "decision", "text", "reason", "account_id", "account", "owner_email", "effective_on",
                    "review_on", "action", "action_state", "action_due_on", "decided_by", "decided_at")


def decision_row(found: DecisionRow) -> tuple[Any, ...]:
    """A decision with its action as a row of DECISION_COLUMNS."""
    decision, account, owner, task = found
    return (decision.item, decision.kind, decision.text, decision.reason, account and account.external_id,
            account and account.name, owner and owner.email, decision.effective_on, decision.review_on,
            task and task.title, task and task.state, task and task.due_on, decision.decided_by, decision.decided_at)


def count_decisions(session: Session) -> dict[int, int]:
    """How many decisions each meeting made."""
    rows = session.execute(select(Decision.meeting_id, func.count()).group_by(Decision.meeting_id))
    return {meeting_id: number for meeting_id, number in rows}


def list_reviews_due(session: Session, *, up_to: date, before: Meeting) -> Sequence[DecisionRow]:
    """Decisions of earlier meetings that were to be looked at again by now."""
    return session.execute(
        select(Decision, Account, User, Task)
        .outerjoin(Account, Account.id == Decision.account_id)
        .outerjoin(User, User.id == Decision.owner_id)
        .outerjoin(Task, Task.id == Decision.task_id)
        .where(Decision.review_on <= up_to, Decision.meeting_id != before.id)
        .order_by(Decision.review_on.desc(), Decision.id).limit(20)
    ).all()


def find_closed_actions(session: Session, agenda: Mapping[str, Any]) -> dict[int, str]:
    """The state of those actions of a frozen agenda that have been done or dropped since, by task id."""
    ids = [row["task_id"] for item in agenda["items"] for row in item["rows"] if "task_id" in row]
    rows = session.execute(select(Task.id, Task.state).where(Task.id.in_(ids), Task.state != "open"))
    return {task_id: state for task_id, state in rows}


HEALTH_MEETINGS = 8


@dataclass(frozen=True, slots=True)
class Health:
    """How well the meeting works: of the last HEALTH_MEETINGS closed ones the decisions each, of the actions they made
    the share done by their day, and of what is still open after it how many days it is late and how many were carried
    over three times or more."""

    meetings: int
    decisions: float
    actions: int
    on_time: float | None
    late: int
    days_late: float | None
    to_managers: int


def measure_health(session: Session, *, today: date) -> Health:
    closed = session.scalars(select(Meeting.id).where(Meeting.state == "closed")
                             .order_by(Meeting.closed_at.desc(), Meeting.id.desc()).limit(HEALTH_MEETINGS)).all()
    decisions = session.scalar(select(func.count()).select_from(Decision).where(Decision.meeting_id.in_(closed))) or 0
    tasks = session.scalars(select(Task).join(Decision, Decision.task_id == Task.id).where(
        Decision.meeting_id.in_(closed), Task.due_on.is_not(None))).all()
    ended = [task for task in tasks if task.state == "done" and task.done_at is not None and task.due_on is not None]
    late = [task for task in tasks if task.state == "open" and task.due_on is not None and task.due_on < today]
    days = [(today - task.due_on).days for task in late if task.due_on is not None]
    in_time = [task for task in ended if task.done_at and task.due_on and task.done_at.date() <= task.due_on]
    judged = len(ended) + len(late)
    return Health(
        meetings=len(closed), decisions=decisions / len(closed) if closed else 0.0, actions=len(tasks),
        on_time=len(in_time) / judged if judged else None, late=len(late),
        days_late=sum(days) / len(days) if days else None,
        to_managers=sum(1 for task in late if int((task.extra or {}).get("carried", 0)) >= 3))
