"""Reading visits: what is ahead, and how strictly they were walked lately."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import fmean
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.contacts.models import Contact
from abm.users.models import User
from abm.work.models import Task, VisitExpense
from abm.work.visit_steps import EXPENSES
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


def list_expenses(session: Session, task_id: int) -> Sequence[tuple[str, Decimal]]:
    """What a visit's expenses came to by kind."""
    rows = session.execute(select(VisitExpense.kind, func.sum(VisitExpense.amount)).where(
        VisitExpense.task_id == task_id).group_by(VisitExpense.kind).order_by(VisitExpense.kind))
    return [(kind, amount) for kind, amount in rows]


REPORT_COLUMNS = ("visit", "account_id", "account", "contact_id", "owner_email", "done_at", "outcome", "sentiment",
                  "report", "steps_in_order", *EXPENSES, "expenses", "currency")


def export_reports(session: Session) -> Iterator[Sequence[Any]]:
    """Every visit that is over as REPORT_COLUMNS, the latest first; read as it goes."""
    by_kind = (select(VisitExpense.task_id, *(
        func.sum(case((VisitExpense.kind == kind, VisitExpense.amount))).label(kind) for kind in EXPENSES),
        func.sum(VisitExpense.amount).label("in_all")).group_by(VisitExpense.task_id).subquery())
    query = (
        select(Task.title, Account.external_id, Account.name, Contact.external_id, User.email, Task.done_at,
               Task.outcome, Task.sentiment, Task.outcome_note, Task.extra, *(by_kind.c[kind] for kind in EXPENSES),
               by_kind.c.in_all)
        .outerjoin(Account, Account.id == Task.account_id).outerjoin(Contact, Contact.id == Task.contact_id)
        .outerjoin(User, User.id == Task.owner_id).outerjoin(by_kind, by_kind.c.task_id == Task.id)
        .where(Task.kind == "visit", Task.state == "done").order_by(Task.done_at.desc(), Task.id.desc()))
    currency = get_company(session).currency
    for row in session.execute(query, execution_options={"yield_per": 5_000}):
        yield (*row[:9], (row[9] or {}).get("strictness"), *row[10:], currency)
