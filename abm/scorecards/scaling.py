"""From a criterion's raw values to points between 0 and 100. Pure; NaN means: no value."""

import numpy as np
from numpy.typing import NDArray

from abm.scorecards.definition import Criterion

Floats = NDArray[np.float64]
BEST = 100.0
NO_DIFFERENCE = 50.0


def scale_values(values: Floats, criterion: Criterion) -> Floats:
    """Points of every account by the criterion's scale and direction."""
    points: Floats = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    if not known.any():
        return points
    own = values[known]
    if criterion.scale == "levels":
        points[known] = np.clip(own, 0.0, BEST)
    elif criterion.scale == "bands":
        points[known] = band_points(own, criterion)
    else:
        up = percentile_points(own) if criterion.scale == "percentile" else min_max_points(own, criterion)
        points[known] = up if criterion.direction == "up" else BEST - up
    return points


def percentile_points(values: Floats) -> Floats:
    """100 × (mean rank − 1) / (n − 1): the share of the others that lie below, ties sharing their mean rank; 50 where
    all are equal or there is one only."""
    if len(values) == 1:
        return np.full(1, NO_DIFFERENCE)
    ordered = np.sort(values)
    below, upto = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    points: Floats = BEST * (below + (upto - below - 1) / 2) / (len(values) - 1)
    return points


def min_max_points(values: Floats, criterion: Criterion) -> Floats:
    """Linear between the bounds, held at them; bounds that are not given are the least and the most that occur."""
    low = float(values.min()) if criterion.low is None else criterion.low
    high = float(values.max()) if criterion.high is None else criterion.high
    if high <= low:
        return np.full(len(values), NO_DIFFERENCE)
    points: Floats = BEST * np.clip((values - low) / (high - low), 0.0, 1.0)
    return points


def band_points(values: Floats, criterion: Criterion) -> Floats:
    """Up: the points of the highest line that is reached, 0 below the first. Down: of the lowest line that is not
    passed, 0 above the last."""
    lines = np.array([step.at for step in criterion.steps])
    points = np.array([step.points for step in criterion.steps])
    if criterion.direction == "up":
        place = np.searchsorted(lines, values, "right")
        return np.concatenate([[0.0], points])[place]
    place = np.searchsorted(lines, values, "left")
    return np.concatenate([points, [0.0]])[place]
