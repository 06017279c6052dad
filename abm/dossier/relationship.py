"""Where the relationship with an account stands and what comes next, from what people wrote and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.dossier.models import Dossier, Tender
from abm.dossier.order_chart import OrderChart, draw_orders
from abm.orders.models import AccountDay
from abm.users.models import User
from abm.work.models import Task
from campaigns.models import ConversationLock, Touch

_MOST_DAYS = 5_000


@dataclass(frozen=True)
class Relationship:
    """`lock`: the conversation and who has it; `coming`: (day, what, link kind, id), the earliest first."""

    dossier: Dossier | None
    last_touch: datetime | None
    last_order: date | None
    lock: tuple[ConversationLock, User | None] | None
    coming: Sequence[tuple[date, str, str, int]]


def read_order_days(session: Session, account_id: int) -> list[tuple[date, float]]:
    """The account's order days with their value, the latest 5,000."""
    query = select(AccountDay.day, AccountDay.amount).where(AccountDay.account_id == account_id)
    rows = session.execute(query.order_by(AccountDay.day.desc()).limit(_MOST_DAYS)).all()
    return [(day, float(amount)) for day, amount in reversed(rows)]


def read_chart(session: Session, account_id: int, *, today: date, known_until: date) -> OrderChart | None:
    return draw_orders(read_order_days(session, account_id), today=known_until, is_past=known_until < today)


def read_relationship(session: Session, account_id: int, *, chart: OrderChart | None, now: datetime) -> Relationship:
    """In five small queries."""
    dossier = session.get(Dossier, account_id)
    last_touch = session.scalar(select(func.max(Touch.at)).where(Touch.account_id == account_id))
    lock = session.get(ConversationLock, account_id)
    held = (lock, session.get(User, lock.owner_id) if lock.owner_id else None) if lock and lock.until > now else None
    return Relationship(dossier, last_touch, chart.last_on if chart else None, held,
                        _coming(session, account_id, dossier, chart))


def _coming(session: Session, account_id: int, dossier: Dossier | None,
            chart: OrderChart | None) -> list[tuple[date, str, str, int]]:
    found: list[tuple[date, str, str, int]] = []
    if dossier and dossier.next_step:
        found.append((dossier.next_on or date.max, dossier.next_step, "step", 0))
    tasks = select(Task).where(Task.account_id == account_id, Task.state == "open", Task.due_on.is_not(None))
    found += [(task.due_on, task.title, "task", task.id)
              for task in session.scalars(tasks.order_by(Task.due_on, Task.id).limit(3)) if task.due_on]
    if chart and chart.expected_on:
        found.append((chart.expected_on, "Next order expected by its own rhythm", "order", 0))
    tenders = select(Tender).where(Tender.account_id == account_id, Tender.result == "open")
    found += [(tender.decided_on or date.max, f"Tender: {tender.title}", "tender", tender.id)
              for tender in session.scalars(tenders.limit(3))]
    return sorted(found)
