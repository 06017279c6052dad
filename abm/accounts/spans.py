"""Accounts by spans of their ids: what is worked out for all of them is written span by span, each in a transaction of
its own, so that nobody who saves or sends waits for the whole."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from abm.accounts.models import Account

AT_ONCE = 1_000
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
