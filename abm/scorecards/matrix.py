"""The attractiveness × potential × relationship matrix: three scores, cut in three, crossed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import QueryableAttribute, Session, aliased

from abm.accounts.models import Account
from abm.scorecards.definition import FAMILIES
from abm.scorecards.models import AccountScore, Scorecard
from abm.scorecards.queries import list_published

LINES = (100 / 3, 200 / 3)
LEVELS = ("low", "middle", "high")
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


def select_placed(axes: Axes) -> Select[*tuple[Any, ...]]:
    """Account with its three scores, of everybody placed on both axes (enough of it is known)."""
    query: Select[*tuple[Any, ...]] = select(Account, *(score_of(family) for family in FAMILIES))
    for family in FAMILIES:
        own = _SCORES[family]
        on = (own.account_id == Account.id) & (own.version_id == axes.versions[family])
        query = query.outerjoin(own, on) if family == "potential" else query.join(own, on)
    return query.where(*(_SCORES[family].place.is_not(None) for family in FAMILIES if family != "potential"))


def level(score: ColumnElement[Any] | QueryableAttribute[Any]) -> ColumnElement[Any]:
    return case((score < LINES[0], "low"), (score < LINES[1], "middle"), else_="high")


def count_cells(session: Session, axes: Axes) -> dict[tuple[str, str], Cell]:
    """By (attractiveness, relationship) level."""
    names = ("attractiveness", "relationship")
    placed = select_placed(axes).with_only_columns(*(level(score_of(name)).label(name) for name in names),
                                                   score_of("potential").label("potential")).subquery()
    query = select(placed.c.attractiveness, placed.c.relationship, func.count(), func.avg(placed.c.potential))
    rows = session.execute(query.group_by(placed.c.attractiveness, placed.c.relationship))
    return {(row[0], row[1]): Cell(row[2], row[3]) for row in rows}


def list_dots(session: Session, axes: Axes) -> list[tuple[int, str, float, float, float | None]]:
    """(account id, name, attractiveness, relationship, potential) of those with the most potential."""
    query = select_placed(axes).order_by(score_of("potential").is_(None), score_of("potential").desc(), Account.id)
    return [(account.id, account.name, attractiveness, relationship, potential)
            for account, attractiveness, potential, relationship in session.execute(query.limit(SHOWN_DOTS))]
