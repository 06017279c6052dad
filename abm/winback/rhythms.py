"""Every account's rhythm as of a day, in one SELECT over the rollup by day.

The rule (product.md, *Rhythm*): gaps between distinct order days; the expected gap is their median; overdue ratio =
days since the last order / expected gap; lapsed with at least 3 order days and a ratio above 2.
"""

from datetime import date
from typing import Any

from sqlalchemy import CTE, BigInteger, Float, Integer, Select, cast, func, literal, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from abm.analysis.rhythm import KNOWN_FROM_ORDER_DAYS, SLOWING_UP_TO
from abm.orders.models import AccountDay
from core.db import MONEY_SCALE

YEAR_DAYS = 365


class days_between(FunctionElement[int]):
    """Whole days from the second date to the first, on both databases."""

    type = Integer()
    inherit_cache = True
    name = "days_between"


@compiles(days_between, "postgresql")
def _postgres_days(element: days_between, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(CAST({later} AS DATE) - CAST({earlier} AS DATE))"


@compiles(days_between, "sqlite")
def _sqlite_days(element: days_between, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


def _median_gaps(as_of: date) -> CTE:
    """Per account the median of its gaps in days: the middle one, or the mean of the two in the middle."""
    before = func.lag(AccountDay.day).over(partition_by=AccountDay.account_id, order_by=AccountDay.day)
    days = (select(AccountDay.account_id, AccountDay.day, before.label("before"))
            .where(AccountDay.day <= as_of).cte("days"))
    gap = days_between(days.c.day, days.c.before)
    gaps = select(
        days.c.account_id, gap.label("gap"),
        func.row_number().over(partition_by=days.c.account_id, order_by=gap).label("place"),
        func.count().over(partition_by=days.c.account_id).label("of"),
    ).where(days.c.before.is_not(None)).cte("gaps")
    is_middle = (gaps.c.place * 2).between(gaps.c.of, gaps.c.of + 2)
    return (select(gaps.c.account_id, cast(func.avg(gaps.c.gap), Float).label("median_gap"))
            .where(is_middle).group_by(gaps.c.account_id).cte("median_gaps"))


def _last_days(as_of: date) -> CTE:
    return (select(AccountDay.account_id, func.count().label("order_days"), func.max(AccountDay.day).label("last_on"))
            .where(AccountDay.day <= as_of).group_by(AccountDay.account_id).cte("last_days"))


def _years_before_last(last: CTE) -> CTE:
    """Per account the value of the 365 days that end with its last order day, in whole currency."""
    age = days_between(last.c.last_on, AccountDay.day)
    value = cast(func.sum(type_coerce(AccountDay.amount, BigInteger)), Float) / MONEY_SCALE
    return (select(last.c.account_id, value.label("value"))
            .join(AccountDay, AccountDay.account_id == last.c.account_id)
            .where(AccountDay.day <= last.c.last_on, age < YEAR_DAYS).group_by(last.c.account_id).cte("years"))


def select_lapsed(as_of: date) -> Select[Any]:
    """Columns account_id, last_on, median_gap_days, overdue_ratio, yearly_value of the accounts lapsed on the day."""
    last, medians = _last_days(as_of), _median_gaps(as_of)
    years = _years_before_last(last)
    ratio = days_between(literal(as_of), last.c.last_on) / medians.c.median_gap
    return (
        select(last.c.account_id, last.c.last_on, medians.c.median_gap.label("median_gap_days"),
               ratio.label("overdue_ratio"), years.c.value.label("yearly_value"))
        .join(medians, medians.c.account_id == last.c.account_id)
        .join(years, years.c.account_id == last.c.account_id)
        .where(last.c.order_days >= KNOWN_FROM_ORDER_DAYS, ratio > SLOWING_UP_TO)
    )
