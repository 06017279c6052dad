"""ABC by value and XYZ by the steadiness of demand over calendar periods.

Definitions (the lines are settings, see `thresholds`): `A` while the share of all value that stands *before* the
account is below 80 %, `B` below 95 %, else `C`.
CV = population standard deviation / mean over every calendar period of the company's history, empty periods counted
as zero; `X` up to 0.5, `Y` up to 1.0, else `Z`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from abm.analysis.thresholds import Thresholds

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger]
Days = NDArray[np.signedinteger]
Texts = NDArray[np.str_]

TOLERANCE = 1e-12
DEFAULTS = Thresholds()


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
    membership: Floats


def rank_by_value(values: NDArray[np.number], ids: Sequence[str], lines: Thresholds = DEFAULTS) -> Ranking:
    """Shares and classes, by value descending, ties by id as text. Values of zero or less are unranked.

    Whole-number values (scaled amounts) are added exactly. The total is that of the ranked accounts.
    """
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    text_rank = np.empty(len(ids), dtype=np.int64)
    text_rank[by_id] = np.arange(len(ids))
    order = np.lexsort((text_rank, -values))
    order = order[values[order] > 0]
    share, cumulative = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    classes, membership = np.full(len(ids), "", dtype="<U1"), np.full(len(ids), np.nan)
    if order.size:
        ranked = values[order]
        until = np.cumsum(ranked)
        share[order], cumulative[order] = ranked / until[-1], until / until[-1]
        before = (until - ranked) / until[-1]
        classes[order], membership[order] = abc_classes(before, lines), key_membership(before, lines)
    return Ranking(share, cumulative, classes, membership)


def abc_classes(share_before: Floats, lines: Thresholds = DEFAULTS) -> Texts:
    """The class for the share of value that stands before each account."""
    is_a, is_b = share_before < lines.a_below - TOLERANCE, share_before < lines.b_below - TOLERANCE
    return np.where(is_a, "A", np.where(is_b, "B", "C"))


def key_membership(share_before: Floats, lines: Thresholds = DEFAULTS) -> Floats:
    """How much each account belongs to the key ones, 1 to 0: a ramp over the share of value that stands before it, so
    that neighbours on either side of a hard line are seen to be nearly alike (fuzzy membership, Zadeh 1965)."""
    width = lines.key_none_from - lines.key_full_until
    if width <= 0:
        return np.where(share_before < lines.key_full_until, 1.0, 0.0)
    ramp: Floats = np.clip((lines.key_none_from - share_before) / width, 0.0, 1.0)
    return ramp


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


def xyz_classes(cv: Floats, lines: Thresholds = DEFAULTS) -> Texts:
    """The class by thresholds alone; "" where there is no CV."""
    classes = np.where(cv <= lines.x_up_to + TOLERANCE, "X", np.where(cv <= lines.y_up_to + TOLERANCE, "Y", "Z"))
    return np.where(np.isnan(cv), "", classes)
