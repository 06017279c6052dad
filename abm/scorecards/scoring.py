"""From points to score, coverage, membership and rank, for all accounts at once. Pure.

score = Σ weight × points / Σ weight, both sums over the criteria that have a value; coverage = the weight of those
criteria / the weight of all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.scorecards.definition import Definition
from abm.scorecards.scaling import Floats

Ints = NDArray[np.int64]
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Scores:
    """One entry per account. `place` is the rank from 1 on, 0 where too little is known to rank it."""

    score: Floats
    coverage: Floats
    membership: Floats
    place: Ints


def score_accounts(scaled: Floats, definition: Definition, ids: Ints) -> Scores:
    """`scaled` has a row per account (in the order of `ids`) and a column per criterion."""
    weights = np.array([criterion.weight for criterion in definition.criteria])
    score, coverage = weighted_means(scaled, weights)
    membership = ramp(score, definition.member_from, definition.member_to)
    return Scores(score, coverage, membership, places(score, coverage, ids, definition.least_coverage))


def weighted_means(scaled: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Score and coverage; the score is NaN where no criterion that weighs has a value."""
    known = ~np.isnan(scaled)
    carried: Floats = known @ weights
    total = float(weights.sum())
    points = np.where(known, scaled, 0.0) @ weights
    score: Floats = np.divide(points, carried, out=np.full(len(scaled), np.nan), where=carried > 0)
    coverage: Floats = np.clip(carried / total, 0.0, 1.0) if total > 0 else np.zeros(len(scaled))
    return np.clip(score, 0.0, 100.0), coverage


def ramp(score: Floats, low: float, high: float) -> Floats:
    """Fuzzy membership: 0 up to `low`, 1 from `high` on, linear between; a step where both are the same."""
    if high <= low:
        return np.where(np.isnan(score), np.nan, (score >= high).astype(float))
    membership: Floats = np.clip((score - low) / (high - low), 0.0, 1.0)
    return membership


def places(score: Floats, coverage: Floats, ids: Ints, least_coverage: float) -> Ints:
    """Ranks by score, then coverage, then the account's id; 0 for accounts of which too little is known."""
    ranked = np.flatnonzero(~np.isnan(score) & (coverage >= least_coverage - TOLERANCE))
    # Equal scores must not part by the last bit of a sum.
    order = ranked[np.lexsort((ids[ranked], -coverage[ranked].round(9), -score[ranked].round(9)))]
    place = np.zeros(len(score), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    return place
