"""A company with its sites: orders, people and contact pressure of each, rolled up over every level, in two queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, ScalarSelect, Select, func, literal, select, type_coerce
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.orders.models import AccountDay
from campaigns.models import Touch
from core.db import MONEY_SCALE

LEVELS = 10
SHOWN = 100
MEASURES = ("value", "orders", "people", "points_7", "points_30")


@dataclass(frozen=True)
class Site:
    """One account of a family; `depth` 0 is the account that was asked for."""

    id: int
    external_id: str
    name: str
    place: str
    depth: int
    value: Decimal
    orders: int
    people: int
    points_7: int
    points_30: int


@dataclass(frozen=True)
class RolledUp:
    """A measure over all accounts of the family."""

    sum: Decimal | int
    mean: float
    most: Decimal | int


@dataclass(frozen=True)
class Family:
    """`sites`: the account itself, then those below, by depth and value (at most 100). Orders count from `since`."""

    sites: Sequence[Site]
    count: int
    rolled_up: dict[str, RolledUp]
    since: date


def below(account_id: int) -> CTE:
    """The account (depth 0) and every account below it, over at most ten levels."""
    start = select(Account.id.label("id"), literal(0).label("depth")).where(Account.id == account_id)
    tree = start.cte("family", recursive=True)
    child = aliased(Account)
    return tree.union(select(child.id, tree.c.depth + 1).where(child.parent_id == tree.c.id, tree.c.depth < LEVELS))


def find_top(session: Session, account_id: int) -> int:
    """The id of the topmost account above; the account's own where nothing stands above it."""
    start = select(Account.id.label("id"), Account.parent_id.label("parent_id"), literal(0).label("height"))
    up = start.where(Account.id == account_id).cte("ancestors", recursive=True)
    upper = aliased(Account)
    up = up.union(select(upper.id, upper.parent_id, up.c.height + 1).where(
        upper.id == up.c.parent_id, up.c.height < LEVELS))
    found = session.scalar(select(up.c.id).order_by(up.c.height.desc()).limit(1))
    return found if found is not None else account_id


def read_family(session: Session, account_id: int, *, today: date, now: datetime) -> Family:
    """The account and everything below it, with sums, means and maxima over all of them."""
    since = today - timedelta(days=365)
    measured = _measured(account_id, since, now).subquery("site")
    totals = session.execute(select(func.count(), *(
        function(measured.c[name]) for name in MEASURES for function in (func.sum, func.max)))).one()
    rows = session.execute(select(measured).order_by(
        measured.c.depth, measured.c.value.desc(), measured.c.name_key, measured.c.id).limit(SHOWN)).all()
    return Family([_site(row) for row in rows], totals[0], _rolled_up(totals), since)


def _measured(account_id: int, since: date, now: datetime) -> Select[Any]:
    tree = below(account_id)
    place = func.coalesce(Account.city, Account.country, "")
    return select(
        Account.id, Account.external_id, Account.name, Account.name_key, place.label("place"), tree.c.depth,
        _scaled(_days(AccountDay.amount, since), "value"),
        func.coalesce(_days(AccountDay.orders, since), 0).label("orders"),
        select(func.count()).where(Contact.account_id == Account.id, Contact.is_active.is_(True))
        .correlate(Account).scalar_subquery().label("people"),
        _points(now - timedelta(days=7)).label("points_7"), _points(now - timedelta(days=30)).label("points_30"),
    ).join(tree, tree.c.id == Account.id)


def _days(column: Any, since: date) -> ScalarSelect[Any]:
    own = select(func.sum(column)).where(AccountDay.account_id == Account.id, AccountDay.day > since)
    return own.correlate(Account).scalar_subquery()


def _scaled(amount: ScalarSelect[Any], name: str) -> Any:
    """Amounts as whole ten-thousandths, so that both databases add and compare them exactly."""
    return func.coalesce(type_coerce(amount, BigInteger), 0).label(name)


def _points(after: datetime) -> ColumnElement[Any]:
    own = select(func.sum(Touch.points)).where(Touch.account_id == Account.id, Touch.at > after)
    return func.coalesce(own.correlate(Account).scalar_subquery(), 0)


def _rolled_up(totals: Any) -> dict[str, RolledUp]:
    count, found = totals[0], {}
    for place, name in enumerate(MEASURES):
        total, most = int(totals[1 + 2 * place] or 0), int(totals[2 + 2 * place] or 0)
        if name == "value":
            scaled = Decimal(total) / MONEY_SCALE
            found[name] = RolledUp(scaled, float(scaled) / count if count else 0.0, Decimal(most) / MONEY_SCALE)
        else:
            found[name] = RolledUp(total, total / count if count else 0.0, most)
    return found


def _site(row: Any) -> Site:
    return Site(row.id, row.external_id, row.name, row.place, row.depth, Decimal(int(row.value)) / MONEY_SCALE,
                int(row.orders), row.people, int(row.points_7), int(row.points_30))
