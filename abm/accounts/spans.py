"""Accounts by spans of their ids: what is worked out for all of them is written span by span, each in a transaction of
its own, so that nobody who saves or sends waits for the whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from abm.accounts.models import Account
from core import db
from core.db import is_postgres

AT_ONCE = 1_000
# SQLite has one writer, and those who wait for it look every tenth of a second at the latest: without a pause between
# two turns they might find it taken each time.
_GAP, _LONGEST_GAP = 1.0, 0.2
Span = tuple[int, int]
# A condition on a column of account ids: whose rows are meant.
Whose = Callable[[ColumnElement[Any] | InstrumentedAttribute[Any]], ColumnElement[bool]]


def list_spans(session: Session, *, size: int = AT_ONCE) -> list[Span]:
    """(first id, last id) of every so many accounts, in order; together they hold all."""
    place = func.row_number().over(order_by=Account.id)
    rows = select(Account.id, ((place - 1) // size).label("span")).subquery()
    query = select(func.min(rows.c.id), func.max(rows.c.id)).group_by(rows.c.span).order_by(func.min(rows.c.id))
    return [(first, last) for first, last in session.execute(query)]


def everybody(_column: object) -> ColumnElement[bool]:
    return true()


def within(span: Span) -> Whose:
    """Those whose ids lie in the span, both ends included."""
    return lambda column: column.between(*span)


@contextmanager
def turn() -> Iterator[Session]:
    """A writing transaction of many that follow each other; on SQLite a pause as long as it took comes after it."""
    began = time.monotonic()
    with db.transaction() as session:
        yield session
        has_one_writer = not is_postgres(session)
    if has_one_writer:
        time.sleep(min((time.monotonic() - began) * _GAP, _LONGEST_GAP))
