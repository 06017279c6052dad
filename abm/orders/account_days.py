"""Keeping `account_day`, the rollup that every analysis reads, true to the orders and lines it is made of."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Table,
    delete,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.orders.models import AccountDay, Order, OrderLine
from core.db import is_postgres

_ORDER = cast(Table, Order.__table__)
_LINE = cast(Table, OrderLine.__table__)
_DAY = cast(Table, AccountDay.__table__)
_PAIRS_AT_ONCE = 400
_COLUMNS = ("account_id", "day", "orders", "amount", "margin_amount", "units")


def refresh_account_days(session: Session, touched: Select[Any]) -> None:
    """Recompute the days in `touched`, a select of distinct (account_id, day).

    Counted are orders that are not cancelled and above zero; a day without any has no row. Units are the quantities of
    the orders' lines; orders without lines bring none.
    """
    days = touched.cte("touched")
    units = (
        select(func.coalesce(func.sum(_LINE.c.quantity), 0.0)).where(_LINE.c.order_id == _ORDER.c.id).scalar_subquery()
    )
    counted = (
        select(
            _ORDER.c.account_id,
            _ORDER.c.ordered_on,
            func.count(),
            func.sum(_ORDER.c.amount),
            func.coalesce(func.sum(_ORDER.c.margin_amount), 0),
            func.sum(units),
        )
        .select_from(
            days.join(_ORDER, (_ORDER.c.account_id == days.c.account_id) & (_ORDER.c.ordered_on == days.c.day))
        )
        .where(
            _ORDER.c.is_cancelled.is_(False),
            _ORDER.c.amount > 0,
        )
        .group_by(_ORDER.c.account_id, _ORDER.c.ordered_on)
    )
    insert = (postgres_insert if is_postgres(session) else sqlite_insert)(_DAY)
    statement = insert.from_select(_COLUMNS, counted)
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "day"], set_={name: statement.excluded[name] for name in _COLUMNS[2:]}
        )
    )


def add_new_orders(session: Session, orders: FromClause, within: ColumnElement[bool]) -> None:
    """Add orders that were not there before, and have no lines yet, to their days.

    `orders` has the columns account_id, ordered_on, amount, margin_amount and is_cancelled; sums are whole numbers, so
    adding is as exact as computing the days again.
    """
    new = orders.c
    days = (
        select(
            new.account_id,
            new.ordered_on,
            func.count(),
            func.sum(new.amount),
            func.coalesce(func.sum(new.margin_amount), 0),
            literal(0.0),
        )
        .where(within, new.is_cancelled.is_(False), new.amount > 0)
        .group_by(new.account_id, new.ordered_on)
        .order_by(new.account_id, new.ordered_on)
    )
    statement = (postgres_insert if is_postgres(session) else sqlite_insert)(_DAY).from_select(_COLUMNS, days)
    added = {name: _DAY.c[name] + statement.excluded[name] for name in _COLUMNS[2:]}
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["account_id", "day"], set_=added)
    )


def drop_empty_days(session: Session, touched: Select[Any]) -> None:
    """Take away those of the `touched` days on which no counted order is left."""
    days = touched.subquery()
    counted = exists().where(
        _ORDER.c.account_id == _DAY.c.account_id,
        _ORDER.c.ordered_on == _DAY.c.day,
        _ORDER.c.is_cancelled.is_(False),
        _ORDER.c.amount > 0,
    )
    is_touched = exists().where(days.c.account_id == _DAY.c.account_id, days.c.day == _DAY.c.day)
    session.execute(delete(_DAY).where(is_touched, ~counted))


def days_of(pairs: Sequence[tuple[int, date]]) -> Iterator[Select[Any]]:
    """Selects of (account_id, day) for pairs known in Python, small enough for every database's limits."""
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        rows = [
            select(literal(account_id, BigInteger).label("account_id"), literal(day, Date).label("day"))
            for account_id, day in pairs[start : start + _PAIRS_AT_ONCE]
        ]
        some = union_all(*rows).subquery()
        yield select(some.c.account_id, some.c.day)
