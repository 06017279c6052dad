"""Order days from the database, by whatever is to be ranked: accounts, sites, parents, products, regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.abc_xyz import Ints
from abm.analysis.order_days import OrderDays, regrouped
from abm.analysis.product_days import NAMES, select_product_days
from abm.analysis.reading import Rows, Statement, read_rows
from core.db import MONEY_SCALE

WITHOUT_REGION = "Without a region"
VALUE_COLUMNS = {"revenue": "amount", "margin": "margin_amount", "orders": "orders", "units": "units"}


@dataclass(frozen=True)
class Span:
    """Which orders: from `from_on` to `as_of`, both included; None means open."""

    as_of: date | None
    from_on: date | None


def load_order_days(session: Session, *, as_of: date | None, from_on: date | None, value_kind: str,
                    account_id: int | None = None) -> OrderDays:
    """Order days from `from_on` to `as_of`, both included, of every account or of one; None means open."""
    conditions = _within("day", Span(as_of, from_on))
    if account_id is not None:
        conditions.append(f"account_id = {int(account_id)}")
    rows = read_rows(session, Statement("account_id", "day", VALUE_COLUMNS[value_kind], "account_day",
                                        value_kind != "units", tuple(conditions)))
    return _order_days(rows, value_kind, _external_ids(session, account_id))


def load_factor_days(session: Session, *, factor: str, span: Span, value_kind: str) -> OrderDays:
    """Order days by any factor; `site` and `account` are the accounts as they are on file."""
    if factor == "product":
        return _load_products(session, span, value_kind)
    days = load_order_days(session, as_of=span.as_of, from_on=span.from_on, value_kind=value_kind)
    if factor == "parent":
        return _by_parent(session, days)
    return _by_region(session, days) if factor == "region" else days


def _within(column: str, span: Span) -> list[str]:
    conditions = [f"{column} <= '{span.as_of.isoformat()}'"] if span.as_of else []
    return [*conditions, f"{column} >= '{span.from_on.isoformat()}'"] if span.from_on else conditions


def _order_days(rows: Rows, value_kind: str, names: dict[int, str],
                labels: dict[int, str] | None = None) -> OrderDays:
    starts = np.flatnonzero(np.r_[True, rows.id[1:] != rows.id[:-1]][: rows.id.size])
    ids = rows.id[starts].tolist()
    counts = np.diff(np.r_[starts, rows.id.size])
    return OrderDays(
        account_ids=ids, external_ids=[names[one] for one in ids],
        account=np.repeat(np.arange(len(ids), dtype=np.int32), counts),
        day=rows.day, orders=rows.orders, value=rows.value,
        scale=MONEY_SCALE if value_kind in ("revenue", "margin") else 1,
        labels=[labels[one] for one in ids] if labels else (),
    )


def _external_ids(session: Session, account_id: int | None) -> dict[int, str]:
    query = select(Account.id, Account.external_id)
    if account_id is not None:
        query = query.where(Account.id == account_id)
    return {row.id: row.external_id for row in session.execute(query)}


def _by_parent(session: Session, days: OrderDays) -> OrderDays:
    """Every account's orders under the topmost account above it."""
    rows = session.execute(select(Account.id, Account.parent_id, Account.external_id, Account.name)).all()
    place = {row.id: index for index, row in enumerate(rows)}
    above = np.array([place.get(row.parent_id, index) for index, row in enumerate(rows)], dtype=np.int64)
    top = topmost(above)
    own = np.array([place[one] for one in days.account_ids], dtype=np.int64)
    return regrouped(days, top[own], [row.external_id for row in rows], [row.name for row in rows],
                     [row.id for row in rows])


def topmost(above: Ints) -> Ints:
    """Where the chain of parents of each ends; `above[i]` is the place of i's parent, or i itself. A circle, which the
    data should not hold, ends at its smallest member."""
    top = above
    for _ in range(_MOST_LEVELS):
        higher = above[top]
        if np.array_equal(higher, top):
            return top
        top = higher
    walked, smallest = top, top
    for _ in range(_MOST_LEVELS):
        walked = above[walked]
        smallest = np.minimum(smallest, walked)
    return smallest


_MOST_LEVELS = 64


def _by_region(session: Session, days: OrderDays) -> OrderDays:
    region = {row.id: (row.region or "").strip() for row in session.execute(select(Account.id, Account.region))}
    own: Sequence[str] = [region[one] for one in days.account_ids]
    names = sorted(set(own))
    place = {name: index for index, name in enumerate(names)}
    group = np.array([place[name] for name in own], dtype=np.int64)
    return regrouped(days, group, names, [name or WITHOUT_REGION for name in names], list(range(1, len(names) + 1)))


def _load_products(session: Session, span: Span, value_kind: str) -> OrderDays:
    """By product, from the lines of the counted orders."""
    statement = select_product_days(VALUE_COLUMNS[value_kind], _within("o.ordered_on", span))
    rows = read_rows(session, statement)
    named = session.execute(NAMES).all()
    return _order_days(rows, value_kind, {row.id: row.sku for row in named}, {row.id: row.name for row in named})
