"""The share/growth matrix (Boston Consulting Group; B. Henderson, "The Product Portfolio", 1970) of our own portfolio.

Share: the value of the last 365 days relative to that of the largest other one (the largest itself is compared with
the second). Growth: the value of the last 365 days over that of the 365 days before, less 1. High means at or above the
line (settings: 0.25 and 10 %). Without value in the year before there is no growth: `new`; without value in the last
year: `gone`.
"""

from dataclasses import dataclass

import numpy as np

from abm.analysis.abc_xyz import Floats, Texts
from abm.analysis.order_days import OrderDays
from abm.analysis.thresholds import Thresholds

YEAR = 365
QUADRANTS = {
    "star": ("Stars", "large and growing: invest"),
    "cash_cow": ("Cash cows", "large, hardly growing: keep, harvest"),
    "question_mark": ("Question marks", "small and growing: decide which to build"),
    "dog": ("Dogs", "small, hardly growing: serve at little cost"),
    "new": ("New", "nothing above zero in the year before: too early to say"),
    "gone": ("Gone", "nothing above zero in the last year"),
}


@dataclass(frozen=True)
class ShareGrowth:
    """One entry per account; NaN where it does not exist."""

    year: Floats
    year_before: Floats
    relative_share: Floats
    growth: Floats
    quadrant: Texts


def share_and_growth(year: Floats, year_before: Floats, lines: Thresholds) -> ShareGrowth:
    """Place every account by its value of the last year and of the one before."""
    largest = int(np.argmax(year))
    others = np.full(len(year), year[largest])
    others[largest] = max(np.max(np.delete(year, largest), initial=0.0), 0.0)
    share = np.divide(year, others, out=np.full(len(year), np.nan), where=others > 0)
    growth = np.divide(year, year_before, out=np.full(len(year), np.nan), where=year_before > 0) - 1
    is_large = (share >= lines.share_line) | np.isnan(share)
    grows = growth >= lines.growth_line
    place = np.where(is_large, np.where(grows, "star", "cash_cow"), np.where(grows, "question_mark", "dog"))
    place = np.where(np.isnan(growth), "new", place)
    return ShareGrowth(year, year_before, share, growth, np.where(year <= 0, "gone", place))


def year_sums(days: OrderDays, today: int) -> tuple[Floats, Floats]:
    """Value of the 365 days that end with `today`, and of the 365 before them, per account."""
    age = (today - days.day) // YEAR
    found = []
    for back in (0, 1):
        within = np.flatnonzero(age == back)
        sums = np.bincount(days.account[within], weights=days.value[within], minlength=len(days.account_ids))
        found.append(sums / days.scale)
    return found[0], found[1]
