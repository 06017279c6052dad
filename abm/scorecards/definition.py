"""What a scorecard says, as plain values. Pure: no database, no clock."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

BY_HAND = "hand"
FAMILIES = ("attractiveness", "potential", "relationship")
DIRECTIONS = ("up", "down")
SCALES = ("percentile", "min-max", "bands", "levels")


@dataclass(frozen=True, slots=True)
class Step:
    """A band's line or an anchored level: from `at` on (down: up to `at`) it is worth `points`, said in `words`."""

    at: float
    points: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that accounts are judged by. `by` names a measure, or BY_HAND. `direction` up: more is better.
    `low` and `high` bound min-max; None: the least and the most that occur."""

    id: str
    title: str
    weight: float
    by: str
    direction: str = "up"
    scale: str = "percentile"
    low: float | None = None
    high: float | None = None
    steps: tuple[Step, ...] = ()
    note: str = ""

    @property
    def is_by_hand(self) -> bool:
        return self.by == BY_HAND

    def level_of(self, points: float | None) -> Step | None:
        """The anchored level with these points."""
        return next((step for step in self.steps if points is not None and step.points == points), None)


@dataclass(frozen=True, slots=True)
class Definition:
    """`least_coverage`: the share of weight that must be known before an account is ranked. Between `member_from` and
    `member_to` points an account is more and more a member (fuzzy): 0 below, 1 above."""

    name: str
    title: str
    criteria: tuple[Criterion, ...]
    purpose: str = ""
    family: str = ""
    least_coverage: float = 0.5
    member_from: float = 50.0
    member_to: float = 80.0

    @property
    def total_weight(self) -> float:
        return sum(criterion.weight for criterion in self.criteria)

    @property
    def criteria_key(self) -> str:
        """The same for definitions that differ in weights, words and thresholds only: they share scaled values."""
        parts = [[c.id, c.by, c.direction, c.scale, c.low, c.high, [[s.at, s.points] for s in c.steps]]
                 for c in self.criteria]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]

    def criterion(self, criterion_id: str) -> Criterion | None:
        return next((one for one in self.criteria if one.id == criterion_id), None)

    def with_weights(self, weights: Mapping[str, float]) -> "Definition":
        """The same with other weights; criteria that are not named keep theirs."""
        return replace(self, criteria=tuple(replace(one, weight=weights.get(one.id, one.weight))
                                            for one in self.criteria))
