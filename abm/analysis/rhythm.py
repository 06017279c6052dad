"""Lapse by the account's own rhythm: how overdue is the next order, measured in the account's usual gaps.

Gaps lie between distinct order days; the expected gap is their median. overdue ratio = days since the last order /
expected gap. With at least 3 order days: active up to 1, slowing up to 2, lapsed above; with fewer: unknown.
"""

from enum import StrEnum

import numpy as np

from abm.analysis.abc_xyz import Floats, Ints, Texts

ACTIVE_UP_TO, SLOWING_UP_TO = 1.0, 2.0
KNOWN_FROM_ORDER_DAYS = 3


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
    order = np.lexsort((gaps, account))
    ordered, count = gaps[order], np.bincount(account, minlength=accounts)
    has_gaps = count > 0
    start = (np.cumsum(count) - count)[has_gaps]
    low, high = start + (count[has_gaps] - 1) // 2, start + count[has_gaps] // 2
    medians = np.full(accounts, np.nan)
    medians[has_gaps] = (ordered[low] + ordered[high]) / 2
    return medians


def rhythm_labels(overdue_ratio: Floats, order_days: Ints) -> Texts:
    """Active, slowing, lapsed or unknown per account."""
    known = np.where(overdue_ratio <= ACTIVE_UP_TO, Rhythm.ACTIVE.value,
                     np.where(overdue_ratio <= SLOWING_UP_TO, Rhythm.SLOWING.value, Rhythm.LAPSED.value))
    return np.where(order_days >= KNOWN_FROM_ORDER_DAYS, known, Rhythm.UNKNOWN.value)
