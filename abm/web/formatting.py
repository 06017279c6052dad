"""Template filters: numbers, money, days and moments as people read them."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, url_for
from markupsafe import Markup

from abm.web.words import EXPLAIN, chip
from core import clock
from core.settings import settings

NOTHING = "–"


def number(value: float | Decimal | int | None, decimals: int = 0) -> str:
    """`1234567.8` → `1,234,568`; nothing → a dash."""
    return NOTHING if value is None else f"{value:,.{decimals}f}"


def money(value: Decimal | float | None, currency: str = "", decimals: int = 0) -> str:
    """An amount with its currency (the company's when not given)."""
    return NOTHING if value is None else f"{value:,.{decimals}f} {currency or company_currency()}"


def percent(value: float | None, decimals: int = 0) -> str:
    """A share between 0 and 1 as a percentage."""
    return NOTHING if value is None else f"{value * 100:.{decimals}f} %"


def day(value: date | None) -> Markup | str:
    """A day, with the weekday on hover."""
    if value is None:
        return NOTHING
    return _marked_day(value)


@lru_cache(maxsize=4096)
def _marked_day(value: date) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), f"{value:%A %d %B %Y}", f"{value.day} {value:%b %Y}"
    )


def moment(value: datetime | None) -> Markup | str:
    """A moment in the company's zone: near ones as time of day, others as day; all of it on hover."""
    if value is None:
        return NOTHING
    zone = company_zone()
    local = value.astimezone(zone)
    is_today = local.date() == clock.now().astimezone(zone).date()
    short = f"{local:%H:%M}" if is_today else f"{local.day} {local:%b %Y, %H:%M}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), f"{local:%A %d %B %Y, %H:%M:%S} {zone.key}", short
    )


_DECIMALS = {"number": 0, "short": 1, "decimal": 2}


def cell(value: Any, kind: str) -> Markup | str:
    """A table's value by its column's kind: number, short, decimal, money, percent, day, text. Long tables ask this
    hundreds of times, where a macro would take most of the page's time."""
    if value is None or value == "":
        return NOTHING
    if kind in _DECIMALS:
        return number(value, _DECIMALS[kind])
    if kind == "money":
        return money(value)
    if kind == "percent":
        return percent(value, 1)
    return day(value) if kind == "day" else str(value)


class RowLinks:
    """Addresses of an endpoint for many rows: the address is built once, then only the row's id is put in."""

    def __init__(self, endpoint: str, argument: str) -> None:
        names: dict[str, Any] = {argument: _ANY_ID}
        self._before, self._after = url_for(endpoint, **names).split(str(_ANY_ID), 1)

    def __call__(self, row_id: int) -> str:
        return f"{self._before}{row_id}{self._after}"


_ANY_ID = 8_070_605_040_302_010


def row_links(endpoint: str, argument: str = "account_id") -> RowLinks:
    return RowLinks(endpoint, argument)


def explain(word: str) -> str:
    return EXPLAIN.get(word, "")


def company_zone() -> ZoneInfo:
    return ZoneInfo(g.company.timezone if "company" in g else settings().timezone)


def company_currency() -> str:
    return str(g.company.currency) if "company" in g else settings().currency


def set_up_filters(app: Flask) -> None:
    app.jinja_env.filters.update(number=number, money=money, percent=percent, day=day, moment=moment, explain=explain,
                                 cell=cell)
    app.jinja_env.globals.update(chip=chip, row_links=row_links)
