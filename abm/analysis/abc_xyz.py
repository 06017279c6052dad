"""ABC by value and XYZ by the steadiness of demand over calendar periods.

Definitions: `A` while the share of all value that stands *before* the account is below 80 %, `B` below 95 %, else `C`.
CV = population standard deviation / mean over every calendar period of the company's history, empty periods counted
as zero; `X` up to 0.5, `Y` up to 1.0, else `Z`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = NDArray[np.str_]

TOLERANCE = 1e-12
A_BELOW, B_BELOW = 0.80, 0.95
X_UP_TO, Y_UP_TO = 0.5, 1.0
NEW_BELOW_PERIODS = 4


class Period(StrEnum):
    """The calendar period that XYZ compares."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"


MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6}
_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Ranking:
    """Per account, in the order given: NaN and "" where the account has no value and so no rank."""

    share: Floats
    cumulative_share: Floats
    abc: Texts


def rank_by_value(values: NDArray[np.number], ids: Sequence[str]) -> Ranking:
    """Shares and classes, by value descending, ties by id as text. Values of zero or less are unranked.

    Whole-number values (scaled amounts) are added exactly. The total is that of the ranked accounts.
    """
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    text_rank = np.empty(len(ids), dtype=np.int64)
    text_rank[by_id] = np.arange(len(ids))
    order = np.lexsort((text_rank, -values))
    order = order[values[order] > 0]
    share, cumulative = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    classes = np.full(len(ids), "", dtype="<U1")
    if order.size:
        ranked = values[order]
        until = np.cumsum(ranked)
        share[order], cumulative[order] = ranked / until[-1], until / until[-1]
        classes[order] = abc_classes((until - ranked) / until[-1])
    return Ranking(share, cumulative, classes)


def abc_classes(share_before: Floats) -> Texts:
    """The class for the share of value that stands before each account."""
    is_a, is_b = share_before < A_BELOW - TOLERANCE, share_before < B_BELOW - TOLERANCE
    return np.where(is_a, "A", np.where(is_b, "B", "C"))


def period_numbers(days: Ints, period: Period) -> Ints:
    """The calendar period of each day (days since 1970-01-01), numbered from 1970 on."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // MONTHS[period]


def period_label(number: int, period: Period) -> str:
    """A period's name: 2026-03, 2026 Q1 or 2026 H1."""
    year, part = divmod(int(number), 12 // MONTHS[period])
    if period is Period.MONTH:
        return f"{1970 + year}-{part + 1:02d}"
    return f"{1970 + year} {'Q' if period is Period.QUARTER else 'H'}{part + 1}"


def proposed_period(median_gap_days: float | None) -> Period:
    """The shortest period not below the portfolio's median gap between order days; half-year where nobody came back."""
    for period in Period:
        if median_gap_days is not None and median_gap_days <= MONTHS[period] * _DAYS_PER_MONTH:
            return period
    return Period.HALF_YEAR


def coefficients_of_variation(sums: Floats, account: Ints, accounts: int, periods: int) -> Floats:
    """CV per account from its non-empty period sums (`sums[i]` belongs to account number `account[i]`).

    The periods that do not occur count as zero. NaN where the mean is not above zero.
    """
    mean = np.bincount(account, weights=sums, minlength=accounts) / periods
    squares = np.bincount(account, weights=(sums - mean[account]) ** 2, minlength=accounts)
    empty = periods - np.bincount(account, minlength=accounts)
    deviation = np.sqrt((squares + empty * mean**2) / periods)
    cv: Floats = np.divide(deviation, mean, out=np.full(accounts, np.nan), where=mean > 0)
    return cv


def xyz_classes(cv: Floats) -> Texts:
    """The class by thresholds alone; "" where there is no CV."""
    classes = np.where(cv <= X_UP_TO + TOLERANCE, "X", np.where(cv <= Y_UP_TO + TOLERANCE, "Y", "Z"))
    return np.where(np.isnan(cv), "", classes)
