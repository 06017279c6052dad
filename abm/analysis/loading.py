"""Reading the rollup of order days into arrays: one query, no object per row."""

from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Date, Integer, Select, cast, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.order_days import EPOCH, OrderDays
from abm.orders.models import AccountDay
from core.db import MONEY_SCALE, is_postgres

_CHUNK = 50_000
VALUE_COLUMNS = {
    "revenue": type_coerce(AccountDay.amount, BigInteger),
    "margin": type_coerce(AccountDay.margin_amount, BigInteger),
    "orders": AccountDay.orders,
    "units": AccountDay.units,
}


def load_order_days(session: Session, *, as_of: date | None, from_on: date | None, value_kind: str,
                    account_id: int | None = None) -> OrderDays:
    """Order days from `from_on` to `as_of`, both included, of every account or of one; None means open."""
    query = select(AccountDay.account_id, _day_number(session), AccountDay.orders, VALUE_COLUMNS[value_kind])
    if account_id is not None:
        query = query.where(AccountDay.account_id == account_id)
    rows = _fetch(session, _within(query, as_of, from_on).order_by(AccountDay.account_id, AccountDay.day))
    is_whole = value_kind != "units"
    ids, account = np.unique(rows[:, 0].astype(np.int64), return_inverse=True)
    known = _external_ids(session, account_id)
    return OrderDays(
        account_ids=ids.tolist(), external_ids=[known[one] for one in ids.tolist()], account=account.astype(np.int64),
        day=rows[:, 1].astype(np.int64), orders=rows[:, 2].astype(np.int64),
        value=rows[:, 3].astype(np.int64) if is_whole else rows[:, 3],
        scale=MONEY_SCALE if value_kind in ("revenue", "margin") else 1,
    )


def _external_ids(session: Session, account_id: int | None) -> dict[int, str]:
    query = select(Account.id, Account.external_id)
    if account_id is not None:
        query = query.where(Account.id == account_id)
    return {row.id: row.external_id for row in session.execute(query)}


def _day_number(session: Session) -> ColumnElement[int]:
    if is_postgres(session):
        return type_coerce(AccountDay.day - literal(EPOCH, Date), Integer)
    return cast(func.julianday(AccountDay.day) - 2440587.5, Integer)


def _within(query: Select, as_of: date | None, from_on: date | None) -> Select:  # type: ignore[type-arg]
    if as_of is not None:
        query = query.where(AccountDay.day <= as_of)
    return query.where(AccountDay.day >= from_on) if from_on is not None else query


def _fetch(session: Session, query: Select) -> NDArray[np.float64]:  # type: ignore[type-arg]
    """All rows as numbers. A float holds whole numbers exactly up to 2**53, that is amounts up to 900 billion."""
    result = session.connection().execute(query)
    cursor = result.cursor  # the driver's own tuples: SQLAlchemy's rows take twice as long
    parts = [np.array(chunk, dtype=np.float64) for chunk in iter(lambda: cursor.fetchmany(_CHUNK), [])]
    result.close()
    return np.concatenate(parts) if parts else np.empty((0, 4))
