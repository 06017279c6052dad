"""What a number of one account is made of, for the drawers that open it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean, median, pstdev

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.orders.models import AccountDay

_MOST_IN_SEGMENT = 5_000


@dataclass(frozen=True)
class Steadiness:
    """The value of every calendar period, and the CV made of it."""

    periods: list[tuple[str, float]]
    mean: float
    deviation: float

    @property
    def cv(self) -> float | None:
        return self.deviation / self.mean if self.mean > 0 else None


@dataclass(frozen=True)
class Rhythm:
    """Distinct order days and their gaps; `expected_on` is the last order plus the usual gap."""

    days: Sequence[date]
    gaps: list[int]
    as_of: date

    @property
    def median_gap(self) -> float | None:
        return median(self.gaps) if self.gaps else None

    @property
    def expected_on(self) -> date | None:
        gap = self.median_gap
        return self.days[-1] + timedelta(days=round(gap)) if gap is not None else None


def rank_of(session: Session, result: AccountResult) -> int | None:
    """The account's place by value, 1 is the largest; None where it is unranked."""
    if result.cumulative_share is None:
        return None
    above = AccountResult.cumulative_share <= result.cumulative_share
    return session.scalar(select(func.count()).where(AccountResult.run_id == result.run_id, above))


def steadiness_of(session: Session, run: AnalysisRun, account_id: int) -> Steadiness:
    """The account's value by calendar period over the whole company's history, from the orders as they are now."""
    import numpy as np

    from abm.analysis.abc_xyz import Period, period_label, period_numbers
    from abm.analysis.loading import load_order_days
    from abm.analysis.order_days import EPOCH, number_of

    first, last = session.execute(select(func.min(AccountResult.first_on), func.max(AccountResult.last_on))
                                  .where(AccountResult.run_id == run.id)).one()
    period = Period(run.period)
    start, end = period_numbers(np.array([number_of(first or EPOCH), number_of(last or EPOCH)]), period).tolist()
    days = load_order_days(session, as_of=run.as_of, from_on=run.from_on, value_kind=run.value_kind,
                           account_id=account_id)
    sums = np.bincount(period_numbers(days.day, period) - start, weights=days.value / days.scale,
                       minlength=end - start + 1).tolist()
    return Steadiness([(period_label(start + place, period), value) for place, value in enumerate(sums)],
                      fmean(sums), pstdev(sums))


def rhythm_of(session: Session, run: AnalysisRun, account_id: int) -> Rhythm:
    """The account's order days within the run's span, from the orders as they are now."""
    query = select(AccountDay.day).where(AccountDay.account_id == account_id, AccountDay.day <= run.as_of)
    if run.from_on:
        query = query.where(AccountDay.day >= run.from_on)
    days = session.scalars(query.order_by(AccountDay.day)).all()
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return Rhythm(days, gaps, run.as_of or date.min)


def guessed_gap(session: Session, run: AnalysisRun, account: Account) -> tuple[float, str] | None:
    """For an account without a rhythm of its own: the median gap of its industry, else of all; and whose it is."""
    if account.industry:
        gaps = select(AccountResult.median_gap_days).join(Account, Account.id == AccountResult.account_id).where(
            AccountResult.run_id == run.id, AccountResult.order_days >= 3, Account.industry == account.industry)
        own = [gap for gap in session.scalars(gaps.limit(_MOST_IN_SEGMENT)) if gap is not None]
        if own:
            return median(own), f"the industry {account.industry}"
    of_all = (run.facts or {}).get("median_gap_days")
    return (of_all, "all accounts") if of_all is not None else None


def mean_repeat_value(session: Session, run: AnalysisRun, account_id: int) -> float | None:
    """Mean value of the account's order days after its first, from the orders as they are now."""
    from abm.analysis.loading import load_order_days

    days = load_order_days(session, as_of=run.as_of, from_on=run.from_on, value_kind=run.value_kind,
                           account_id=account_id)
    return float(days.value[1:].mean() / days.scale) if len(days.value) > 1 else None
