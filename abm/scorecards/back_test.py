"""How well a score of then tells the sales that followed. Pure."""

from dataclasses import dataclass

import numpy as np

from abm.scorecards.scaling import Floats, percentile_points
from abm.scorecards.scoring import Ints

TOP_SHARE = 0.1


@dataclass(frozen=True)
class Verdict:
    """`rank_correlation` (Spearman) is None where one side does not vary. Shares are of the sales that followed:
    caught by the best-placed tenth, by a tenth chosen by past sales, by the best tenth there could be."""

    accounts: int
    top: int
    revenue: float
    rank_correlation: float | None
    caught: float | None
    caught_by_past_sales: float | None
    best_possible: float | None
    by_tenth: tuple[float, ...]


def judge_scores(score: Floats, past_sales: Floats, later_sales: Floats) -> Verdict:
    """`score` without NaN; one entry per account in each. Ties in the score share what they catch evenly."""
    count = len(score)
    top = int(np.ceil(count * TOP_SHARE)) if count else 0
    total = float(later_sales.sum())
    return Verdict(
        accounts=count, top=top, revenue=total, rank_correlation=spearman(score, later_sales),
        caught=_share(score, later_sales, top), caught_by_past_sales=_share(past_sales, later_sales, top),
        best_possible=_share(later_sales, later_sales, top), by_tenth=_by_tenth(score, later_sales))


def spearman(one: Floats, other: Floats) -> float | None:
    """Pearson's correlation of mean ranks (ties share their mean rank)."""
    if len(one) < 2:
        return None
    first, second = percentile_points(one), percentile_points(other)
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale > 1e-9 else None


def _share(by: Floats, sales: Floats, top: int) -> float | None:
    """The share of sales of the `top` accounts; of those tied at the line the mean is taken."""
    total = float(sales.sum())
    if total <= 0 or top == 0:
        return None
    line = np.sort(by)[-top]
    above, tied = by > line, by == line
    room = top - int(above.sum())
    return float(sales[above].sum() + sales[tied].mean() * room) / total


def _by_tenth(score: Floats, sales: Floats) -> tuple[float, ...]:
    """The share of sales of each tenth of the ranking, the best first; empty below ten accounts."""
    total = float(sales.sum())
    if len(score) < 10 or total <= 0:
        return ()
    order: Ints = np.argsort(-score, kind="stable")
    return tuple(float(sales[part].sum()) / total for part in np.array_split(order, 10))
