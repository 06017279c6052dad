"""Filling the ledger, set-based: what counts is inserted once, what is too old or was taken back is deleted.

Machine opens and clicks stay where they are kept, in the engine's events, and never come here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, delete, literal, null, or_, select
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
from core.id_lists import is_among

KEPT_DAYS = 2 * WINDOW_DAYS
SOURCES = ("event", "task", "order")
_IDS: Mapping[str, Any] = {"event": Event.id, "task": Task.id, "order": Order.id}
_COLUMNS = ("account_id", "contact_id", "rules_id", "source", "source_id", "kind", "points", "at")


def fill_ledger(session: Session, *, rules: Mapping[str, Any], rules_id: int, now: datetime) -> None:
    """Bring the ledger up to date. Repeating it changes nothing."""
    session.execute(delete(EngagementEntry).where(_is_obsolete(rules_id, now))
                    .execution_options(synchronize_session=False))
    for source in SOURCES:
        add_entries(session, source=source, ids=None, rules=rules, rules_id=rules_id, now=now)


def list_missing(session: Session, *, source: str, rules_id: int, now: datetime) -> list[int]:
    """Ids of a source's rows that count and are not in the ledger by the rules of that version."""
    rows = _rows(session, source, now).subquery()
    kept = select(EngagementEntry.id).where(EngagementEntry.source == source, EngagementEntry.rules_id == rules_id,
                                            EngagementEntry.source_id == rows.c.source_id).exists()
    return list(session.scalars(select(rows.c.source_id).where(~kept)))


def add_entries(session: Session, *, source: str, ids: Sequence[int] | None, rules: Mapping[str, Any], rules_id: int,
                now: datetime) -> None:
    """Enter what counts of a source (of these rows only, where ids are given) and is not in the ledger yet."""
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    rows = _rows(session, source, now)
    chosen = (rows if ids is None else rows.where(is_among(_IDS[source], ids))).subquery()
    points = case({kind: float(value) for kind, value in rules["points"].items()}, value=chosen.c.kind, else_=0.0)
    query = select(chosen.c.account_id, chosen.c.contact_id, literal(rules_id), chosen.c.source, chosen.c.source_id,
                   chosen.c.kind, points, chosen.c.at)
    # without a condition SQLite takes ON CONFLICT for the beginning of a join
    query = query.where(chosen.c.source_id.is_not(None))
    session.connection().execute(insert(EngagementEntry).from_select(list(_COLUMNS), query)
                                 .on_conflict_do_nothing(index_elements=["source", "source_id"]))


def list_obsolete(session: Session, *, rules_id: int, now: datetime) -> list[int]:
    """Ids of rows that are too old, were taken back, or got their points by other rules."""
    return list(session.scalars(select(EngagementEntry.id).where(_is_obsolete(rules_id, now))))


def drop_entries(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(EngagementEntry).where(is_among(EngagementEntry.id, ids))
                    .execution_options(synchronize_session=False))


def _is_obsolete(rules_id: int, now: datetime) -> ColumnElement[bool]:
    # not NOT IN, which PostgreSQL tries order by order once they no longer fit into its memory
    counts = select(Order.id).where(Order.id == EngagementEntry.source_id, Order.is_cancelled.is_(False),
                                    Order.amount > 0).exists()
    return or_(EngagementEntry.at < now - timedelta(days=KEPT_DAYS), EngagementEntry.rules_id != rules_id,
               and_(EngagementEntry.source == "order", ~counts))


def _rows(session: Session, source: str, now: datetime) -> Select[*tuple[Any, ...]]:
    chosen = {"event": _events, "task": _tasks, "order": _orders}[source]
    return chosen(session, now - timedelta(days=KEPT_DAYS), now)


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
