"""Which accounts are lapsed on a day, by the same rule and arithmetic as the analysis (abm/analysis/rhythm.py).

The rollup is read once; any number of days can then be looked at, which is what the curve of losses needs.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from abm.analysis.order_days import OrderDays, day_of, number_of
from abm.analysis.rhythm import Rhythm, gaps_between, medians_by_account, rhythm_labels

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A lapsed account: its last order day, its usual gap, and the value of the 365 days that end with that day."""

    account_id: int
    last_order_on: date
    median_gap_days: float
    overdue_ratio: float
    yearly_value: float


def find_lapsed(orders: OrderDays, as_of: date) -> list[Lapsed]:
    """The accounts lapsed on the day; orders after it are ignored."""
    today, accounts = number_of(as_of), len(orders.account_ids)
    seen = orders.day <= today
    account, day = orders.account[seen], orders.day[seen]
    last = np.full(accounts, today, dtype=np.int64)
    last[account] = day  # sorted by day within the account: the last one stays
    medians = medians_by_account(*gaps_between(day, account), accounts)
    ratio = (today - last) / medians
    in_year = last[account] - day < YEAR_DAYS
    values = np.bincount(account[in_year], weights=orders.value[seen][in_year], minlength=accounts) / orders.scale
    labels = rhythm_labels(ratio, np.bincount(account, minlength=accounts))
    return [
        Lapsed(orders.account_ids[one], day_of(last[one]), float(medians[one]), float(ratio[one]), float(values[one]))
        for one in np.flatnonzero(labels == Rhythm.LAPSED)
    ]
