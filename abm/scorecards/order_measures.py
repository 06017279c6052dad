"""What orders say of an account: the latest analysis (or one as of a past day) and sums over twelve months."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, ColumnElement, Float, Select, case, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run
from abm.catalogue.models import Product
from abm.orders.models import AccountDay, Order, OrderLine
from abm.scorecards.measures import Floats, Measure, fetch_rows, register
from core.db import MONEY_SCALE

YEAR_DAYS = 365
ANALYSIS = (
    Measure("analysis.value", "Value", "Analysis", "number", is_past=True),
    Measure("analysis.share", "Share of all value", "Analysis", "percent", is_past=True),
    Measure("analysis.orders", "Number of orders", "Analysis", is_past=True),
    Measure("analysis.cv", "Coefficient of variation", "Analysis", "decimal", "down", is_past=True),
    Measure("analysis.recency_days", "Days since the last order", "Analysis", "days", "down", is_past=True),
    Measure("analysis.r", "Recency score", "Analysis", is_past=True),
    Measure("analysis.f", "Frequency score", "Analysis", is_past=True),
    Measure("analysis.m", "Monetary score", "Analysis", is_past=True),
    Measure("analysis.order_days", "Number of order days", "Analysis", is_past=True),
    Measure("analysis.median_gap_days", "Usual gap in days", "Rhythm", "days", "down", is_past=True),
    Measure("analysis.overdue_ratio", "Overdue ratio", "Rhythm", "decimal", "down", is_past=True),
    Measure("analysis.p_alive", "Probability of being alive", "Rhythm", "percent", is_past=True),
    Measure("analysis.expected_orders_12m", "Orders expected in 12 months", "Rhythm", "decimal", is_past=True),
)
DAYS = (
    Measure("orders.value_12m", "Sales of the last 12 months", "Orders", "money", is_past=True),
    Measure("orders.margin_12m", "Margin of the last 12 months", "Orders", "money", is_past=True),
    Measure("orders.margin_share", "Margin as a share of sales", "Orders", "percent", is_past=True),
    Measure("orders.growth", "Growth against the 12 months before", "Orders", "percent", is_past=True),
    Measure("orders.orders_12m", "Orders in the last 12 months", "Orders", is_past=True),
    Measure("orders.average_order", "Average order of the last 12 months", "Orders", "money", is_past=True),
)
LINES = (
    Measure("orders.discount", "Average discount of the last 12 months", "Orders", "percent", "down", is_past=True),
    Measure("orders.categories", "Product categories bought in 12 months", "Orders", is_past=True),
)


def load_analysis(session: Session, names: Sequence[str], as_of: date | None) -> Floats:
    """Columns of the latest run; with a day, of an analysis made as of it."""
    own = [name.removeprefix("analysis.") for name in names]
    run = latest_run(session)
    if as_of is not None:
        return _analysis_as_of(session, own, as_of, run.value_kind if run else "revenue")
    if run is None:
        return np.empty((0, 1 + len(own)))
    columns = [getattr(AccountResult, name) for name in own]
    query = select(AccountResult.account_id, *columns).where(AccountResult.run_id == run.id)
    return fetch_rows(session, query, 1 + len(own))


def _analysis_as_of(session: Session, names: Sequence[str], as_of: date, value_kind: str) -> Floats:
    from abm.analysis.computing import Question
    from abm.analysis.loading import load_order_days
    from abm.analysis.summing import analyse

    days = load_order_days(session, as_of=as_of, from_on=None, value_kind=value_kind)
    if not days.account_ids:
        return np.empty((0, 1 + len(names)))
    columns = analyse(days, Question(as_of=as_of, value_kind=value_kind)).columns
    return np.array([days.account_ids, *(columns[name] for name in names)], dtype=np.float64).T


def load_days(session: Session, names: Sequence[str], as_of: date | None) -> Floats:
    """Sums over the rollup of order days; accounts that never ordered have no row."""
    end = as_of or last_order_day(session)
    if end is None:
        return np.empty((0, 1 + len(names)))
    rows = fetch_rows(session, _year_sums(end), 6)
    value, before, margin = (rows[:, column] / MONEY_SCALE for column in (1, 2, 3))
    orders = rows[:, 4]
    found = {
        "orders.value_12m": value, "orders.margin_12m": np.where(margin != 0, margin, np.nan),
        "orders.margin_share": _ratio(np.where(margin != 0, margin, np.nan), value),
        "orders.growth": _ratio(value, before) - 1, "orders.orders_12m": orders,
        "orders.average_order": _ratio(value, orders),
    }
    return np.column_stack([rows[:, 0], *(found[name] for name in names)])


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio


def _year_sums(end: date) -> Select[*tuple[Any, ...]]:
    year, two_years = end - timedelta(days=YEAR_DAYS), end - timedelta(days=2 * YEAR_DAYS)
    this_year = AccountDay.day > year
    amount = type_coerce(AccountDay.amount, BigInteger)

    def total(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
        return func.sum(case((condition, value), else_=0))

    columns: list[ColumnElement[Any]] = [
        total(this_year, amount), total((AccountDay.day <= year) & (AccountDay.day > two_years), amount),
        total(this_year, type_coerce(AccountDay.margin_amount, BigInteger)), total(this_year, AccountDay.orders),
        func.count()]
    query: Select[*tuple[Any, ...]] = select(AccountDay.account_id, *columns)
    return query.where(AccountDay.day <= end).group_by(AccountDay.account_id)


def load_lines(session: Session, names: Sequence[str], as_of: date | None) -> Floats:
    """What the order lines of twelve months say: discounts weighted by list value, and breadth."""
    end = as_of or last_order_day(session)
    if end is None:
        return np.empty((0, 1 + len(names)))
    list_value = cast(type_coerce(OrderLine.unit_price_amount, BigInteger), Float) * OrderLine.quantity
    found: dict[str, ColumnElement[Any]] = {
        "orders.discount": func.sum(list_value * OrderLine.discount)
        / func.nullif(func.sum(case((OrderLine.discount.is_not(None), list_value))), 0),
        "orders.categories": func.count(Product.category.distinct()),
    }
    query: Select[*tuple[Any, ...]] = select(Order.account_id, *(found[name] for name in names))
    query = query.join(OrderLine, OrderLine.order_id == Order.id).join(Product, Product.id == OrderLine.product_id)
    query = query.where(Order.is_cancelled.is_(False), Order.amount > 0, Order.ordered_on <= end,
                        Order.ordered_on > end - timedelta(days=YEAR_DAYS))
    return fetch_rows(session, query.group_by(Order.account_id), 1 + len(names))


def last_order_day(session: Session) -> date | None:
    """The day of the latest analysis, so that everything shown is of one day; else of the last order."""
    run = latest_run(session)
    return run.as_of if run and run.as_of else session.scalar(select(func.max(AccountDay.day)))


register(ANALYSIS, load_analysis)
register(DAYS, load_days)
register(LINES, load_lines)
