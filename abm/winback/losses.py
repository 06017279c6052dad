"""How many accounts are lost, how that moves over time, and where: by segment, country, tier and owner."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.loading import load_order_days
from abm.analysis.thresholds import read_thresholds
from abm.company.queries import get_company
from abm.orders.models import AccountDay
from abm.users.models import User
from abm.winback.models import Case, LossMonth
from abm.winback.rhythms import find_lapsed
from core.db import is_postgres

MONTHS = 13


def month_ends(last_day: date, count: int = MONTHS) -> list[date]:
    """The last `count` moments to look at, oldest first: ends of months, and the last day itself."""
    ends = [last_day]
    while len(ends) < count:
        ends.append(ends[-1].replace(day=1) - timedelta(days=1))
    return ends[::-1]


def update_loss_months(session: Session, *, last_day: date) -> None:
    """Count the months of `count_losses` and keep them."""
    keep_losses(session, count_losses(session, last_day=last_day))


def keep_losses(session: Session, counted: Sequence[LossMonth]) -> None:
    """Keep what was counted, in the place of what is known of the same months."""
    for month in counted:
        session.merge(month)
    session.flush()


def count_losses(session: Session, *, last_day: date) -> list[LossMonth]:
    """The lapsed accounts at each month's end of the last year, by the company's thresholds and only where they or the
    orders up to it have changed. Only reads.

    A number that was counted stays as long as the rollup has as many days up to it as when it was counted.
    """
    ends, lines = month_ends(last_day), read_thresholds(get_company(session).analysis_thresholds)
    drawn_by = f"slowing {lines.slowing_up_to:g}, known {lines.known_from_order_days}"
    known = {row.ended_on: row for row in session.scalars(select(LossMonth).where(LossMonth.ended_on.in_(ends)))}
    counts = _order_days_up_to(session, ends)
    changed = [end for end in ends if end not in known or (known[end].order_days, known[end].lines) != (
        counts[end], drawn_by)]
    if not changed:
        return []
    orders = load_order_days(session, as_of=changed[-1], from_on=None, value_kind="revenue")
    counted = []
    for ended_on in changed:
        lapsed = find_lapsed(orders, ended_on, lines)
        counted.append(LossMonth(
            ended_on=ended_on, lapsed=len(lapsed), yearly_value=sum(one.yearly_value for one in lapsed),
            order_days=counts[ended_on], lines=drawn_by))
    return counted


def _order_days_up_to(session: Session, ends: Sequence[date]) -> dict[date, int]:
    """How many rows of the rollup lie up to each day: one pass by month, added up."""
    month = func.to_char(AccountDay.day, "YYYY-MM") if is_postgres(session) else func.strftime("%Y-%m", AccountDay.day)
    label = month.label("month")
    counts = session.execute(select(label, func.count()).where(AccountDay.day <= ends[-1])
                             .group_by(label).order_by(label)).all()
    totals = list(accumulate((count for _, count in counts), initial=0))
    months = [text for text, _ in counts]
    return {end: totals[bisect_right(months, f"{end:%Y-%m}")] for end in ends}


def list_loss_months(session: Session) -> list[LossMonth]:
    """The curve's points, oldest first: the year that ends with the last day that was counted."""
    last_day = session.scalar(select(func.max(LossMonth.ended_on)))
    if last_day is None:
        return []
    return list(session.scalars(select(LossMonth).where(LossMonth.ended_on.in_(month_ends(last_day)))
                                .order_by(LossMonth.ended_on)))


@dataclass(frozen=True, slots=True)
class LossGroup:
    """A segment's open cases, out of all its accounts, with the value of their last year."""

    name: str
    cases: int
    accounts: int
    yearly_value: float

    @property
    def share(self) -> float:
        return self.cases / self.accounts if self.accounts else 0.0


GROUPS: dict[str, tuple[str, Any]] = {
    "industry": ("Industry", Account.industry),
    "country": ("Country", Account.country),
    "region": ("Region", Account.region),
    "tier": ("Tier", Account.tier),
    "owner": ("Owner", User.name),
}


def list_loss_groups(session: Session, by: str, *, most: int = 12) -> list[LossGroup]:
    """Where the losses are: groups by the value of their open cases, largest first."""
    name = func.coalesce(cast(GROUPS[by][1], String), "not known").label("name")
    value = func.coalesce(func.sum(Case.yearly_value), 0.0)
    query = (
        select(name, func.count(Case.id), func.count(), value)
        .select_from(Account)
        .outerjoin(User, User.id == Account.owner_id)
        .outerjoin(Case, (Case.account_id == Account.id) & Case.closed_at.is_(None))
        .group_by(name).having(func.count(Case.id) > 0).order_by(value.desc(), name).limit(most)
    )
    return [LossGroup(*row) for row in session.execute(query)]
