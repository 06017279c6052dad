"""Filling the ledger, set-based: what counts is inserted once, what is too old or was taken back is deleted.

Machine opens and clicks stay where they are kept, in the engine's events, and never come here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, case, cast, delete, literal, null, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.engagement.models import EngagementEntry
from abm.engagement.rules import WINDOW_DAYS
from abm.orders.models import Order
from abm.work.models import Task
from abm.work.outcomes import TALKED
from campaigns.models import Event
from core.db import Id, UtcDateTime, is_postgres

KEPT_DAYS = 2 * WINDOW_DAYS
_COLUMNS = ("account_id", "contact_id", "rules_id", "source", "source_id", "kind", "points", "at")


def fill_ledger(session: Session, *, rules: Mapping[str, Any], rules_id: int, now: datetime) -> None:
    """Bring the ledger up to date. Repeating it changes nothing."""
    since = now - timedelta(days=KEPT_DAYS)
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    for select_new in (_events, _tasks, _orders):
        rows = select_new(session, since, now)
        chosen = rows.subquery()
        points = case({kind: float(value) for kind, value in rules["points"].items()}, value=chosen.c.kind, else_=0.0)
        query = select(chosen.c.account_id, chosen.c.contact_id, literal(rules_id), chosen.c.source, chosen.c.source_id,
                       chosen.c.kind, points, chosen.c.at)
        # without a condition SQLite takes ON CONFLICT for the beginning of a join
        query = query.where(chosen.c.source_id.is_not(None))
        session.connection().execute(insert(EngagementEntry).from_select(list(_COLUMNS), query)
                                     .on_conflict_do_nothing(index_elements=["source", "source_id"]))
    session.execute(delete(EngagementEntry).where(EngagementEntry.at < since))
    # not NOT IN, which PostgreSQL tries order by order once they no longer fit into its memory
    counts = select(Order.id).where(Order.id == EngagementEntry.source_id, Order.is_cancelled.is_(False),
                                    Order.amount > 0).exists()
    session.execute(delete(EngagementEntry).where(EngagementEntry.source == "order", ~counts)
                    .execution_options(synchronize_session=False))


def empty_ledger(session: Session) -> None:
    """Take every row away, so that the next filling gives points by new rules."""
    session.execute(delete(EngagementEntry))


def _events(_session: Session, since: datetime, now: datetime) -> Select[*tuple[Any, ...]]:
    known = select(Account.id).where(Account.id == Event.account_id).exists()
    return select(
        Event.account_id.label("account_id"), Event.contact_id.label("contact_id"), literal("event").label("source"),
        Event.id.label("source_id"), Event.kind.label("kind"), Event.at.label("at"),
    ).where(Event.kind.in_(("reply", "click", "open")), Event.is_machine.is_(False), known, Event.at >= since,
            Event.at <= now)


def _tasks(_session: Session, since: datetime, now: datetime) -> Select[*tuple[Any, ...]]:
    counts = (Task.kind == "visit") | ((Task.kind == "call") & Task.outcome.in_(sorted(TALKED)))
    return select(
        Task.account_id.label("account_id"), Task.contact_id.label("contact_id"), literal("task").label("source"),
        Task.id.label("source_id"), Task.kind.label("kind"), Task.done_at.label("at"),
    ).where(Task.state == "done", counts, Task.account_id.is_not(None), Task.done_at >= since, Task.done_at <= now)


def _orders(session: Session, since: datetime, now: datetime) -> Select[*tuple[Any, ...]]:
    day = cast(Order.ordered_on, String)
    at: Any = cast(day + " 00:00:00+00", UtcDateTime) if is_postgres(session) else day + " 00:00:00.000000"
    return select(
        Order.account_id.label("account_id"), cast(null(), Id).label("contact_id"), literal("order").label("source"),
        Order.id.label("source_id"), literal("order").label("kind"), at.label("at"),
    ).where(Order.is_cancelled.is_(False), Order.amount > 0, Order.ordered_on >= since.date(),
            Order.ordered_on <= now.date())
