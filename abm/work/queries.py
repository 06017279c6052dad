"""Reading tasks: lists and a person's day. The calls' own order is in `call_queue`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload

from abm.accounts.models import Account
from abm.company.queries import company_today, get_company
from abm.contacts.models import Contact
from abm.users.models import User
from abm.work.models import Task
from core.errors import NotFound

PAGE = 50
_WITH_NAMES = (joinedload(Task.account), joinedload(Task.contact), joinedload(Task.owner))
_BY_DUE = (case((Task.due_on.is_(None), 1), else_=0), Task.due_on, Task.id)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a list of tasks is narrowed to. owner: `mine`, `all`, `nobody` or a user's id as text."""

    user_id: int
    today: date
    owner: str = "mine"
    state: str = "open"
    kind: str = ""
    due: str = ""
    text: str = ""
    offset: int = 0


def get_task(session: Session, task_id: int) -> Task:
    task = session.get(Task, task_id, options=_WITH_NAMES)
    if task is None:
        raise NotFound("There is no such task")
    return task


def list_tasks(session: Session, chosen: TaskFilter) -> list[Task]:
    """A page of tasks, the earliest due first, those without a day last; done ones the latest first."""
    order = _BY_DUE if chosen.state == "open" else (Task.done_at.desc(), Task.id.desc())
    return list(session.scalars(select(Task).options(*_WITH_NAMES).where(*_conditions(chosen))
                                .order_by(*order).offset(chosen.offset).limit(PAGE)))


EXPORT_COLUMNS = ("task", "kind", "account_id", "account", "contact_id", "owner_email", "due_on", "state", "outcome",
                  "sentiment", "note", "outcome_note", "origin", "created_at", "done_at")


def export_tasks(session: Session, chosen: TaskFilter) -> Iterator[Sequence[Any]]:
    """Every task that fits as a row of EXPORT_COLUMNS, in the order of the list; read as it goes."""
    order = _BY_DUE if chosen.state == "open" else (Task.done_at.desc(), Task.id.desc())
    query = (
        select(Task.title, Task.kind, Account.external_id, Account.name, Contact.external_id, User.email, Task.due_on,
               Task.state, Task.outcome, Task.sentiment, Task.note, Task.outcome_note, Task.origin, Task.created_at,
               Task.done_at)
        .outerjoin(Account, Account.id == Task.account_id).outerjoin(Contact, Contact.id == Task.contact_id)
        .outerjoin(User, User.id == Task.owner_id).where(*_conditions(chosen)).order_by(*order))
    yield from session.execute(query, execution_options={"yield_per": 5_000})


def count_tasks(session: Session, chosen: TaskFilter) -> int:
    return session.scalar(select(func.count()).select_from(Task).where(*_conditions(chosen))) or 0


def _conditions(chosen: TaskFilter) -> list[ColumnElement[bool]]:
    conditions = [*_of_owner(chosen), *_due(chosen)]
    if chosen.state:
        conditions.append(Task.state == chosen.state)
    if chosen.kind:
        conditions.append(Task.kind == chosen.kind)
    if chosen.text:
        is_of_account = Task.account.has(Account.name.icontains(chosen.text, autoescape=True))
        conditions.append(Task.title.icontains(chosen.text, autoescape=True) | is_of_account)
    return conditions


def _of_owner(chosen: TaskFilter) -> list[ColumnElement[bool]]:
    if chosen.owner == "mine":
        return [Task.owner_id == chosen.user_id]
    if chosen.owner == "nobody":
        return [Task.owner_id.is_(None)]
    return [Task.owner_id == int(chosen.owner)] if chosen.owner.isdecimal() else []


def _due(chosen: TaskFilter) -> list[ColumnElement[bool]]:
    due: dict[str, ColumnElement[bool]] = {
        "late": Task.due_on < chosen.today,
        "today": Task.due_on == chosen.today,
        "week": Task.due_on.between(chosen.today, chosen.today + timedelta(days=6)),
    }
    return [due[chosen.due]] if chosen.due in due else []


@dataclass(frozen=True, slots=True)
class Day:
    """A person's day: what is late, due today and in the coming week, without a day, and what was done today."""

    late: Sequence[Task]
    today: Sequence[Task]
    coming: Sequence[Task]
    undated: Sequence[Task]
    done_today: int
    nobodys: int


def get_day(session: Session, *, user_id: int, today: date) -> Day:
    """The open tasks of somebody by when they are due, at most PAGE of each."""
    def open_tasks(*conditions: ColumnElement[bool]) -> list[Task]:
        return list(session.scalars(
            select(Task).options(*_WITH_NAMES).where(Task.owner_id == user_id, Task.state == "open", *conditions)
            .order_by(Task.due_on, Task.kind, Task.id).limit(PAGE)))

    week = today + timedelta(days=7)
    done = select(func.count()).select_from(Task).where(
        Task.owner_id == user_id, Task.state == "done", Task.done_at >= _start_of(session, today))
    return Day(
        late=open_tasks(Task.due_on < today), today=open_tasks(Task.due_on == today),
        coming=open_tasks(Task.due_on > today, Task.due_on <= week), undated=open_tasks(Task.due_on.is_(None)),
        done_today=session.scalar(done) or 0,
        nobodys=session.scalar(select(func.count()).select_from(Task).where(
            Task.owner_id.is_(None), Task.state == "open")) or 0)


def _start_of(session: Session, day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(get_company(session).timezone))


def list_account_tasks(session: Session, account_id: int) -> list[Task]:
    """The open tasks of an account, the earliest due first."""
    return list(session.scalars(select(Task).options(*_WITH_NAMES).where(
        Task.account_id == account_id, Task.state == "open").order_by(*_BY_DUE)))


def count_due(session: Session, user_id: int) -> int:
    """How many of somebody's tasks are due today or late."""
    return session.scalar(select(func.count()).select_from(Task).where(
        Task.owner_id == user_id, Task.state == "open", Task.due_on <= company_today(session))) or 0

