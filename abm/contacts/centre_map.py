"""The map of a buying centre: who reports to whom, who is a thread between us and them, what is stale. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Part:
    """What the map asks of a person. `known_by`: how many of us know the person."""

    id: int
    reports_to: int | None
    influence: int | None
    confirmed_at: datetime
    known_by: int = 0


@dataclass(frozen=True)
class Branch:
    """A person with those who report to them."""

    id: int
    below: tuple["Branch", ...]


def branches(parts: Sequence[Part]) -> list[Branch]:
    """The tree of who reports to whom, the most influential first. Whoever reports to somebody who is not here, or in
    a circle, stands at the top."""
    upper = _without_circles({part.id: part.reports_to for part in parts})
    below: dict[int | None, list[Part]] = {}
    for part in parts:
        below.setdefault(upper[part.id], []).append(part)

    def grow(of: int | None) -> tuple[Branch, ...]:
        some = sorted(below.get(of, ()), key=lambda part: (-(part.influence or 0), part.id))
        return tuple(Branch(part.id, grow(part.id)) for part in some)

    return list(grow(None))


def _without_circles(upper: Mapping[int, int | None]) -> dict[int, int | None]:
    kept: dict[int, int | None] = {}
    for person, above in upper.items():
        kept[person] = above if above in upper and not _reaches(upper, above, person) else None
    return kept


def _reaches(upper: Mapping[int, int | None], start: int | None, wanted: int) -> bool:
    seen: set[int] = set()
    at = start
    while at is not None and at not in seen:
        if at == wanted:
            return True
        seen.add(at)
        at = upper.get(at)
    return at == wanted


def threads(parts: Sequence[Part]) -> int:
    """Through how many people we hang on the account: those whom one of us knows; where nobody has said whom they know,
    everybody on record."""
    known = sum(1 for part in parts if part.known_by)
    return known or len(parts)


def is_single_threaded(parts: Sequence[Part]) -> bool:
    """One person leaving would cut us off, or nobody is known at all."""
    return threads(parts) <= 1


def stale(parts: Sequence[Part], *, at: datetime, fresh_days: int) -> list[Part]:
    """The people whose part nobody confirmed within so many days."""
    line = at - timedelta(days=fresh_days)
    return [part for part in parts if part.confirmed_at < line]
