"""One account's score opened into its arithmetic."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from abm.scorecards.computing import Values
from abm.scorecards.definition import Criterion, Definition
from abm.scorecards.measures import find_measure
from abm.scorecards.models import Scorecard, ScorecardRating
from abm.scorecards.queries import list_ratings
from abm.scorecards.scoring import ramp, weighted_means


@dataclass(frozen=True)
class Part:
    """A criterion's part in a score: `contribution` = weight × points / weight known; None where it has no value."""

    criterion: Criterion
    label: str
    kind: str
    raw: float | None
    points: float | None
    contribution: float | None
    words: str
    rating: ScorecardRating | None

    @property
    def rated_at(self) -> datetime | None:
        return self.rating.rated_at if self.rating else None


@dataclass(frozen=True)
class Explanation:
    """`place` is None where too little is known (or the account came after the computing)."""

    definition: Definition
    parts: tuple[Part, ...]
    score: float | None
    coverage: float
    membership: float | None
    weight_known: float


def explain_score(session: Session, *, scorecard: Scorecard, definition: Definition, values: Values,
                  account_id: int) -> Explanation:
    """The parts add up to the score."""
    row = values.row_of(account_id)
    count = len(definition.criteria)
    raw = values.raw[row] if row is not None else np.full(count, np.nan)
    scaled = values.scaled[row] if row is not None else np.full(count, np.nan)
    weights = np.array([one.weight for one in definition.criteria])
    score, coverage = weighted_means(scaled.reshape(1, -1), weights)
    known = float(weights[~np.isnan(scaled)].sum())
    ratings = list_ratings(session, scorecard_id=scorecard.id, account_id=account_id)
    parts = tuple(_part(one, float(raw[place]), float(scaled[place]), known, ratings.get(one.id))
                  for place, one in enumerate(definition.criteria))
    has_score = not np.isnan(score[0])
    membership = ramp(score, definition.member_from, definition.member_to)
    return Explanation(definition, parts, float(score[0]) if has_score else None, float(coverage[0]),
                       float(membership[0]) if has_score else None, known)


def _part(criterion: Criterion, raw: float, points: float, known: float, rating: ScorecardRating | None) -> Part:
    measure = find_measure(criterion.by)
    label, kind = ("Rated by hand", "number") if criterion.is_by_hand else (measure.label, measure.kind)
    has_value = not np.isnan(points)
    return Part(
        criterion=criterion, label=label, kind=kind, raw=raw if has_value else None,
        points=points if has_value else None,
        contribution=criterion.weight * points / known if has_value and known > 0 else None,
        words=_words(criterion, raw) if has_value else "", rating=rating if criterion.is_by_hand else None)


def _words(criterion: Criterion, raw: float) -> str:
    """What the level or band that applies says."""
    if criterion.is_by_hand:
        level = criterion.level_of(raw)
        return level.words if level else ""
    if criterion.scale != "bands":
        return ""
    reached = [step for step in criterion.steps if (step.at <= raw if criterion.direction == "up" else step.at >= raw)]
    if not reached:
        return "beyond the last line"
    return (reached[-1] if criterion.direction == "up" else reached[0]).words


def say_scale(criterion: Criterion) -> str:
    """How raw values become points, in one sentence."""
    better = "more is better" if criterion.direction == "up" else "less is better"
    if criterion.scale == "levels":
        return "anchored levels, chosen by a person"
    if criterion.scale == "percentile":
        return f"share of the other accounts that it is better than ({better})"
    if criterion.scale == "min-max":
        low = "the least that occurs" if criterion.low is None else f"{criterion.low:g}"
        high = "the most that occurs" if criterion.high is None else f"{criterion.high:g}"
        return f"linear from {low} to {high} ({better})"
    sign = "from" if criterion.direction == "up" else "up to"
    return "bands: " + ", ".join(f"{sign} {step.at:g} → {step.points:g}" for step in criterion.steps)
