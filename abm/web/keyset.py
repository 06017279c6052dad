"""Pages of long tables by key: the next page starts after the last row's sort value and id, so no page is ever counted
past and page 4,000 costs as much as page 1. Sort names come from an allow-list of the caller's."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select, true
from sqlalchemy.orm import QueryableAttribute, Session

PAGE_SIZE = 50
COUNT_UP_TO = 10_000


@dataclass(frozen=True)
class Order:
    """How a table is sorted. `key` is the row's id, which settles ties; empty values always stand last."""

    by: ColumnElement[Any] | QueryableAttribute[Any]
    key: ColumnElement[Any] | QueryableAttribute[Any]
    is_descending: bool = False
    is_nullable: bool = True


@dataclass(frozen=True)
class Page:
    """`rows` without the two technical columns at their end. A mark is None where there is no such page."""

    rows: Sequence[Any]
    next_mark: str | None
    previous_mark: str | None


@dataclass(frozen=True)
class Place:
    """Where a page starts: right after (or, going back, right before) a row."""

    value: Any
    key: int
    is_before: bool


def read_place(arguments: Mapping[str, str], order: Order) -> Place | None:
    """The place named by `after` or `before` in an address; None for the first page and for what is not ours."""
    is_before = "before" in arguments
    mark = arguments.get("before" if is_before else "after", "")
    try:
        value, key = json.loads(base64.urlsafe_b64decode(mark.encode()))
        kind = order.by.type.python_type
        if value is not None:
            value = kind.fromisoformat(value) if kind in (date, datetime) else kind(value)
        is_ours = _fits(value) and _fits(int(key)) and (value is not None or order.is_nullable)
        return Place(value, int(key), is_before) if is_ours else None
    except (ValueError, TypeError, ArithmeticError, binascii.Error, NotImplementedError):
        return None


def _fits(value: Any) -> bool:
    """What a database can be asked about: texts without NUL, whole numbers of at most 63 bits."""
    if isinstance(value, str):
        return "\x00" not in value
    return not isinstance(value, int) or abs(value) < 2**63


def fetch_page(session: Session, query: Select[*tuple[Any, ...]], *, order: Order, place: Place | None = None,
               size: int = PAGE_SIZE) -> Page:
    """One page of `query`, which has no order of its own. Reads one row more than it shows."""
    is_before = place is not None and place.is_before
    chosen = query.add_columns(order.by.label("sort_value"), order.key.label("sort_key"))
    rows: list[Any] = []
    for condition, sorting in _parts(order, place):
        if len(rows) <= size:
            part = chosen.where(condition).order_by(*sorting)
            rows += session.execute(part.limit(size + 1 - len(rows)))
    more, rows = len(rows) > size, rows[:size]
    if is_before:
        rows.reverse()
    has_next, has_previous = (bool(rows), more) if is_before else (more, place is not None and bool(rows))
    return Page([row[:-2] for row in rows], _mark(rows[-1]) if has_next else None,
                _mark(rows[0]) if has_previous else None)


def _mark(row: Sequence[Any]) -> str:
    value = row[-2]
    if isinstance(value, date | Decimal):
        value = value.isoformat() if isinstance(value, date) else str(value)
    return base64.urlsafe_b64encode(json.dumps([value, row[-1]]).encode()).decode()


_Part = tuple[ColumnElement[bool], list[ColumnElement[Any]]]


def _parts(order: Order, place: Place | None) -> list[_Part]:
    """What to read one after the other, and how each is sorted: rows with a value, which an index can give in order,
    and rows without one, which stand behind them."""
    is_before = place is not None and place.is_before
    key = order.key.desc() if is_before else order.key.asc()
    by = order.by.desc() if order.is_descending is not is_before else order.by.asc()
    if not order.is_nullable:
        return [(_beyond(order, place), [by, key])]
    known: _Part = (and_(order.by.is_not(None), _beyond(order, place)), [by, key])
    if place is None:
        return [known, (order.by.is_(None), [key])]
    if place.value is not None:
        return [known] if is_before else [known, (order.by.is_(None), [key])]
    empty: _Part = (and_(order.by.is_(None), _beyond_key(order, place)), [key])
    return [empty, (order.by.is_not(None), [by, key])] if is_before else [empty]


def _beyond_key(order: Order, place: Place) -> ColumnElement[bool]:
    return order.key < place.key if place.is_before else order.key > place.key


def _beyond(order: Order, place: Place | None) -> ColumnElement[bool]:
    """Behind a row with a value (or, going back, before it)."""
    if place is None or place.value is None:
        return true()
    goes_down = order.is_descending is not place.is_before
    reached = order.by <= place.value if goes_down else order.by >= place.value
    beyond = order.by < place.value if goes_down else order.by > place.value
    return and_(reached, or_(beyond, _beyond_key(order, place)))


def count_text(session: Session, query: Select[*tuple[Any, ...]], one: str, many: str, *,
               up_to: int = COUNT_UP_TO) -> str:
    """`1,234 accounts`, or `more than 10,000 accounts`: the count stops there, so that it never scans a large table."""
    return say_count(count_rows(session, query, up_to=up_to), one, many, up_to=up_to)


def say_count(found: int, one: str, many: str, *, up_to: int) -> str:
    """A count that stopped at `up_to`, in words."""
    if found > up_to:
        return f"more than {up_to:,} {many}"
    return f"{found:,} {one if found == 1 else many}"


def count_rows(session: Session, query: Select[*tuple[Any, ...]], *, up_to: int) -> int:
    """How many rows there are, one more than `up_to` at most."""
    # Without the columns, neither database looks into the tables that were joined for them alone.
    few: Select[*tuple[Any, ...]] = query.order_by(None).with_only_columns(literal_column("1").label("one"))
    counted = select(func.count()).select_from(few.limit(up_to + 1).subquery())
    return session.scalar(counted) or 0
