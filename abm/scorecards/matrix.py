"""The attractiveness × potential × relationship matrix: three scores, cut in three, crossed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import QueryableAttribute, Session, aliased

from abm.accounts.models import Account
from abm.scorecards.definition import FAMILIES
from abm.scorecards.measures import Floats, fetch_rows
from abm.scorecards.models import AccountScore, Scorecard, ScoreMatrix
from abm.scorecards.queries import list_published, names_of
from abm.scorecards.scoring import Ints
from core import clock
from core.join_order import from_outside

PLACING = ("attractiveness", "relationship")
LINES = (100 / 3, 200 / 3)
LEVELS = ("low", "middle", "high")
_BETWEEN = {"low": (0.0, LINES[0]), "middle": LINES, "high": (LINES[1], 1000.0)}
LEVEL_WORDS = {"low": "below 33", "middle": "33 to 67", "high": "67 and more"}
SHOWN_DOTS = 150
# What to do, by (attractiveness, relationship) level.
TREATMENT = {
    ("high", "high"): "Key: keep and develop together", ("high", "middle"): "Invest in the relationship",
    ("high", "low"): "Win over: find out what stands between us", ("middle", "high"): "Nurture; look for more to offer",
    ("middle", "middle"): "Serve well; watch which way it moves", ("middle", "low"): "Only where the effort is small",
    ("low", "high"): "Harvest: keep cheap and friendly", ("low", "middle"): "Serve by standard means",
    ("low", "low"): "Let it come to us",
}


@dataclass(frozen=True)
class Axes:
    """Which published version gives each family's score; None where there is none."""

    versions: dict[str, int | None]
    scorecards: dict[str, Scorecard | None]

    @property
    def missing(self) -> list[str]:
        return [family for family in FAMILIES if self.versions[family] is None]


@dataclass(frozen=True)
class Cell:
    """`potential` is the mean of its accounts' potential scores."""

    accounts: int
    potential: float | None


def find_axes(session: Session) -> Axes:
    """The published scorecard of each family (the one named like it, else the first)."""
    found: dict[str, tuple[Scorecard, int]] = {}
    for scorecard, version in list_published(session):
        family = scorecard.family
        if family and (family not in found or scorecard.name == family):
            found[family] = (scorecard, version.id)
    return Axes({family: found[family][1] if family in found else None for family in FAMILIES},
                {family: found[family][0] if family in found else None for family in FAMILIES})


_SCORES = {family: aliased(AccountScore, name=family) for family in FAMILIES}


def score_of(family: str) -> QueryableAttribute[float | None]:
    return _SCORES[family].score


def select_placed(axes: Axes, levels: Mapping[str, str] = MappingProxyType({}), *,
                  are_many: bool = False) -> Select[*tuple[Any, ...]]:
    """Account with its three scores, of everybody placed on both axes (enough of it is known) and, by family, on the
    given levels. `are_many`: so many that the first by potential are found sooner along that score than by levels."""
    query: Select[*tuple[Any, ...]] = select(Account, *(score_of(family) for family in FAMILIES))
    for family in FAMILIES:
        own = _SCORES[family]
        query = query.join(own, (own.account_id == Account.id) & (own.version_id == axes.versions[family]))
        if family in PLACING:
            query = query.where(from_outside(own.place).is_not(None))
        if family in levels:
            low, high = _BETWEEN[levels[family]]
            score = from_outside(own.score) if are_many and family in PLACING else own.score
            query = query.where(score >= low, score < high)
    return query


@dataclass(frozen=True)
class Matrix:
    """Cells by (attractiveness, relationship) level; `dots` are those with the most potential: account id, name,
    attractiveness, relationship, potential."""

    cells: dict[tuple[str, str], Cell]
    dots: list[tuple[int, str, float, float, float | None]]

    @property
    def placed(self) -> int:
        return sum(cell.accounts for cell in self.cells.values())


def get_matrix(session: Session, axes: Axes) -> Matrix:
    """As it was counted when the scores were made; where that is another state, counted now."""
    kept = session.get(ScoreMatrix, _made_of(axes)) or _count(session, axes)
    names = names_of(session, [dot[0] for dot in kept.dots])
    dots = [(dot[0], names[dot[0]][0], dot[1], dot[2], dot[3]) for dot in kept.dots if dot[0] in names]
    return Matrix({(row[0], row[1]): Cell(row[2], row[3]) for row in kept.cells}, dots)


def keep_matrix(session: Session) -> None:
    """Count the matrix of the scores of now, for the page; where a family has none yet there is nothing to count."""
    axes = find_axes(session)
    if not axes.missing:
        session.execute(delete(ScoreMatrix))
        session.add(_count(session, axes))
        session.flush()


def _made_of(axes: Axes) -> str:
    found = [axes.scorecards[family] for family in FAMILIES]
    return " ".join(f"{axes.versions[family]}@{one.computed_at:%Y%m%dT%H%M%S%f}" if one and one.computed_at else "-"
                    for family, one in zip(FAMILIES, found, strict=True))


def _count(session: Session, axes: Axes) -> ScoreMatrix:
    """In three reads along the scores' own order, put beside each other as arrays."""
    ids, scores = _beside(session, axes)
    attractiveness, relationship, potential = scores
    levels = [np.digitize(values, LINES) for values in (attractiveness, relationship)]
    cells = []
    for row in range(len(LEVELS)):
        for column in range(len(LEVELS)):
            here = (levels[0] == row) & (levels[1] == column)
            known = potential[here & ~np.isnan(potential)]
            if here.any():
                cells.append([LEVELS[row], LEVELS[column], int(here.sum()),
                              float(known.mean()) if len(known) else None])
    first = np.lexsort((ids, -np.nan_to_num(potential, nan=-1.0)))[:SHOWN_DOTS]
    dots = [[int(ids[one]), float(attractiveness[one]), float(relationship[one]),
             None if np.isnan(potential[one]) else float(potential[one])] for one in first]
    return ScoreMatrix(made_of=_made_of(axes), cells=cells, dots=dots, made_at=clock.now())


def _beside(session: Session, axes: Axes) -> tuple[Ints, tuple[Floats, Floats, Floats]]:
    """Ids of everybody placed on both axes, with the three scores (NaN: no potential known)."""
    read = {family: _read(session, axes.versions[family], is_placed=family in PLACING) for family in FAMILIES}
    first, second = (read[family] for family in PLACING)
    ids, own, other = np.intersect1d(first[:, 0], second[:, 0], assume_unique=True, return_indices=True)
    third = read["potential"]
    potential = np.full(len(ids), np.nan)
    _, here, there = np.intersect1d(ids, third[:, 0], assume_unique=True, return_indices=True)
    potential[here] = third[there, 1]
    return ids.astype(np.int64), (first[own, 1], second[other, 1], potential)


def _read(session: Session, version_id: int | None, *, is_placed: bool) -> Floats:
    query: Select[*tuple[Any, ...]] = select(AccountScore.account_id, AccountScore.score).where(
        AccountScore.version_id == version_id, AccountScore.score.is_not(None))
    return fetch_rows(session, query.where(AccountScore.place.is_not(None)) if is_placed else query, 2)
