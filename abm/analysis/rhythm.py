"""Lapse by the account's own rhythm: how overdue is the next order, measured in the account's usual gaps.

Gaps lie between distinct order days; the expected gap is their median. overdue ratio = days since the last order /
expected gap. With at least 3 order days: active up to 1, slowing up to 2, lapsed above; with fewer: unknown (the lines
are settings).

Season: the present silence is an account's habit when the same stretch of the calendar, from the day the next order was
expected to the day looked from, was without orders in every earlier year on record, and there are at least two of them.
It is a second opinion beside the label, which stays as the rule says.
"""

from enum import StrEnum

import numpy as np

from abm.analysis.abc_xyz import Floats, Ints, Texts
from abm.analysis.thresholds import Thresholds

DEFAULTS = Thresholds()
YEAR_DAYS = 365.25
_MOST_YEARS = 5
_GAP_BITS = 32
_DAYS_APART = 10_000_000


class Rhythm(StrEnum):
    ACTIVE = "active"
    SLOWING = "slowing"
    LAPSED = "lapsed"
    UNKNOWN = "unknown"


def gaps_between(days: Ints, account: Ints) -> tuple[Ints, Ints]:
    """Gaps in days and the account of each, from distinct order days sorted by account, then day."""
    same = account[1:] == account[:-1]
    return np.diff(days)[same], account[1:][same]


def medians_by_account(gaps: Ints, account: Ints, accounts: int) -> Floats:
    """The median gap per account number; NaN where an account has none."""
    ordered, count = account.astype(np.int64), np.bincount(account, minlength=accounts)
    ordered <<= _GAP_BITS
    ordered |= gaps
    ordered.sort()
    ordered &= (1 << _GAP_BITS) - 1
    has_gaps = count > 0
    start = (np.cumsum(count) - count)[has_gaps]
    low, high = start + (count[has_gaps] - 1) // 2, start + count[has_gaps] // 2
    medians = np.full(accounts, np.nan)
    medians[has_gaps] = (ordered[low] + ordered[high]) / 2
    return medians


def rhythm_labels(overdue_ratio: Floats, order_days: Ints, lines: Thresholds = DEFAULTS) -> Texts:
    """Active, slowing, lapsed or unknown per account."""
    known = np.where(overdue_ratio <= lines.active_up_to, Rhythm.ACTIVE.value,
                     np.where(overdue_ratio <= lines.slowing_up_to, Rhythm.SLOWING.value, Rhythm.LAPSED.value))
    return np.where(order_days >= lines.known_from_order_days, known, Rhythm.UNKNOWN.value)


def recent_gaps(days: Ints, account: Ints, accounts: int, *, last: int = 3) -> Floats:
    """The mean of each account's last three gaps (last order day - the one three before it, over 3); NaN with fewer
    than five gaps, where the last ones say nothing apart from all."""
    count = np.bincount(account, minlength=accounts)
    end = np.cumsum(count) - 1
    enough = count > last + 2
    means = np.full(accounts, np.nan)
    means[enough] = (days[end[enough]] - days[end[enough] - last]) / last
    return means


def seasonal_years(days: Ints, account: Ints, median_gap: Floats, today: int) -> Ints:
    """In how many earlier years each account was silent over the same stretch as now; 0 as soon as one of them had an
    order in it, and where nothing is overdue. At most five years back; days sorted by account, then day."""
    accounts = len(median_gap)
    count = np.bincount(account, minlength=accounts)
    ends = np.cumsum(count)
    first, last = days[ends - count], days[ends - 1]
    start = np.ceil(last + np.where(np.isnan(median_gap), np.inf, median_gap))
    asked = np.flatnonzero((start < today) & (today - last < YEAR_DAYS))
    key, low = account.astype(np.int64) * _DAYS_APART, asked * _DAYS_APART
    key += days
    found, unbroken = np.zeros(accounts, dtype=np.int64), np.ones(len(asked), dtype=bool)
    for years in range(1, _MOST_YEARS + 1):
        shift = round(years * YEAR_DAYS)
        begin, end = start[asked].astype(np.int64) - shift, today - shift
        on_record = first[asked] < begin
        orders = np.searchsorted(key, low + end, side="right") - np.searchsorted(key, low + begin, side="left")
        unbroken &= ~on_record | (orders == 0)
        found[asked] += on_record
    found[asked[~unbroken]] = 0
    return found
