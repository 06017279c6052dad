"""Recency, frequency and value in five scores each, by the quantiles of the portfolio itself."""

import numpy as np
from numpy.typing import NDArray

from abm.analysis.abc_xyz import Floats, Ints

STEPS = 5


def quintile_lines(values: NDArray[np.number]) -> Floats:
    """The 20, 40, 60 and 80 % quantiles with linear interpolation. Positions are computed in whole numbers, so that a
    quantile that falls on a value is exactly that value."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    last = len(ordered) - 1
    lines = []
    for step in range(1, STEPS):
        below, rest = divmod(step * last, STEPS)
        low, high = ordered[below], ordered[min(below + 1, last)]
        lines.append(low + (high - low) * (rest / STEPS))
    return np.array(lines)


def scores(values: NDArray[np.number]) -> Ints:
    """1 + how many of the quintile lines lie strictly below the value: 5 is best, ties share a score.

    For recency hand in the negated days.
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    below = np.searchsorted(quintile_lines(values), np.asarray(values, dtype=np.float64), side="left")
    return 1 + below.astype(np.int64)
