"""Which accounts are lapsed on a day, by the same rule and arithmetic as the analysis (abm/analysis/rhythm.py).

The rollup is read once; any number of days can then be looked at, which is what the curve of losses needs.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from abm.analysis.abc_xyz import Floats, Ints
from abm.analysis.order_days import OrderDays, day_of, number_of
from abm.analysis.rhythm import DEFAULTS, Rhythm, gaps_between, medians_by_account, rhythm_labels, seasonal_years
from abm.analysis.thresholds import Thresholds

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A lapsed account: its last order day, its usual gap, and the value of the 365 days that end with that day."""

    account_id: int
    last_order_on: date
    median_gap_days: float
    overdue_ratio: float
    yearly_value: float
    seasonal_years: int = 0


def find_lapsed(orders: OrderDays, as_of: date, lines: Thresholds = DEFAULTS) -> list[Lapsed]:
    """The accounts lapsed on the day; orders after it are ignored. `seasonal_years`: in how many earlier years each was
    silent over the same stretch, a doubt about the lapse."""
    today, accounts = number_of(as_of), len(orders.account_ids)
    seen = orders.day <= today
    account, day = orders.account[seen], orders.day[seen]
    last = np.full(accounts, today, dtype=np.int64)
    last[account] = day  # sorted by day within the account: the last one stays
    medians = medians_by_account(*gaps_between(day, account), accounts)
    ratio = (today - last) / medians
    in_year = last[account] - day < YEAR_DAYS
    values = np.bincount(account[in_year], weights=orders.value[seen][in_year], minlength=accounts) / orders.scale
    labels = rhythm_labels(ratio, np.bincount(account, minlength=accounts), lines)
    habits = _habits(account, day, medians, today)
    return [
        Lapsed(orders.account_ids[one], day_of(last[one]), float(medians[one]), float(ratio[one]), float(values[one]),
               int(habits[one]))
        for one in np.flatnonzero(labels == Rhythm.LAPSED)
    ]


def _habits(account: Ints, day: Ints, medians: Floats, today: int) -> Ints:
    """Seasonal years of the accounts that have ordered by then; 0 for the others."""
    present, position = np.unique(account, return_inverse=True)
    habits = np.zeros(len(medians), dtype=np.int64)
    if present.size:
        habits[present] = seasonal_years(day, position, medians[present], today)
    return habits
