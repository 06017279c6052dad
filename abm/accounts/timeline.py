"""The timeline of an account: its own lines, and what higher areas keep in tables of their own.

    register_timeline("order", read_orders)     orders stand among the lines without being copied

Lines stand newest first; where moments are equal, by source and then by id, so that pages by key show each line once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import AccountEvent

OWN = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the timeline by what it is ordered by; a page goes on behind it."""

    at: datetime
    source: str
    id: int

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC).isoformat()}~{self.source}~{self.id}"

    def is_before(self, source: str) -> bool:
        """Whether lines of `source` of the same moment stand behind this one, whatever their id."""
        return self.source < source


@dataclass(frozen=True)
class TimelineFilter:
    """What of a timeline is looked for; `before` is the place of the last line seen, days are whole days of UTC."""

    kind: str = ""
    actor: str = ""
    contact_id: int | None = None
    since: date | None = None
    until: date | None = None
    before: Place | None = None

    def within(self, at: ColumnElement[datetime], id: ColumnElement[int], source: str) -> list[ColumnElement[bool]]:
        """The conditions on moments, for a source whose lines have these columns."""
        found: list[ColumnElement[bool]] = []
        if self.since:
            found.append(at >= datetime.combine(self.since, time.min, UTC))
        if self.until:
            found.append(at < datetime.combine(self.until, time.min, UTC) + timedelta(days=1))
        if self.before is not None:
            found.append(or_(at < self.before.at, and_(at == self.before.at, *_behind(self.before, id, source))))
        return found

    def within_days(self, on: ColumnElement[date], id: ColumnElement[int], source: str) -> list[ColumnElement[bool]]:
        """The same for a source that knows days only: its lines stand at the beginning of their day."""
        found: list[ColumnElement[bool]] = []
        if self.since:
            found.append(on >= self.since)
        if self.until:
            found.append(on <= self.until)
        if self.before is not None:
            day = self.before.at.astimezone(UTC).date()
            is_later = self.before.at > datetime.combine(day, time.min, UTC)
            found.append(on <= day if is_later else or_(on < day, and_(on == day, *_behind(self.before, id, source))))
        return found


def _behind(place: Place, id: ColumnElement[int], source: str) -> list[ColumnElement[bool]]:
    if place.source == source:
        return [id < place.id]
    return [] if place.is_before(source) else [id != id]


@dataclass(frozen=True, slots=True)
class Line:
    """What is shown. `is_day`: only the day of `at` is known. `link` is a path inside the product."""

    at: datetime
    kind: str
    title: str
    id: int
    source: str = OWN
    text: str = ""
    actor: str = ""
    link: str = ""
    is_day: bool = False

    @property
    def place(self) -> Place:
        return Place(self.at, self.source, self.id)


ReadLines = Callable[[Session, int, TimelineFilter, int], Sequence[Line]]
_SOURCES: dict[str, ReadLines] = {}


def register_timeline(kind: str, read: ReadLines) -> None:
    """Let `read(session, account_id, chosen, limit)` give the newest lines of `kind` that fit, in the timeline's order.

    It answers nothing where `chosen` asks for an actor or a person that it does not know.
    """
    _SOURCES[kind] = read


def list_timeline(session: Session, account_id: int, chosen: TimelineFilter, *, limit: int = 30) -> Sequence[Line]:
    """Everything that happened at the account, newest first."""
    lines = [_line(event) for event in list_events(session, account_id, chosen, limit=limit)]
    for kind, read in _SOURCES.items():
        if chosen.kind in ("", kind):
            lines += read(session, account_id, chosen, limit)
    lines.sort(key=lambda line: (-line.at.timestamp(), line.source, -line.id))
    return lines[:limit]


def _line(event: AccountEvent) -> Line:
    return Line(event.at, event.kind, event.title, event.id, text=event.text, actor=event.actor, link=event.link)


def list_events(session: Session, account_id: int, chosen: TimelineFilter = TimelineFilter(), *,
                limit: int = 30) -> Sequence[AccountEvent]:
    """The account's own lines, newest first, without those of other tables."""
    query = select(AccountEvent).where(AccountEvent.account_id == account_id, *_chosen(chosen))
    return session.scalars(query.order_by(AccountEvent.at.desc(), AccountEvent.id.desc()).limit(limit)).all()


def _chosen(chosen: TimelineFilter) -> list[ColumnElement[bool]]:
    own = AccountEvent.__table__.c
    found = chosen.within(own.at, own.id, OWN)
    if chosen.kind:
        found.append(own.kind == chosen.kind)
    if chosen.actor:
        found.append(own.actor == chosen.actor)
    if chosen.contact_id is not None:
        found.append(own.contact_id == chosen.contact_id)
    return found


def list_timeline_kinds(session: Session, account_id: int) -> Sequence[str]:
    """The kinds of lines that this account's timeline has."""
    query = select(AccountEvent.kind).where(AccountEvent.account_id == account_id).distinct()
    kinds = set(session.scalars(query).all())
    return sorted(kinds | {kind for kind, read in _SOURCES.items() if read(session, account_id, TimelineFilter(), 1)})


def list_event_actors(session: Session, account_id: int) -> Sequence[str]:
    """Who of us stands on this account's timeline."""
    query = select(AccountEvent.actor).where(AccountEvent.account_id == account_id, AccountEvent.actor != "").distinct()
    return session.scalars(query.order_by(AccountEvent.actor).limit(100)).all()


def read_timeline_filter(arguments: Mapping[str, str]) -> TimelineFilter:
    """From an address; what cannot be understood is left out."""

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(arguments.get(name, ""))
        except ValueError:
            return None

    def text(name: str) -> str:
        return arguments.get(name, "").replace("\x00", "")[:200]

    return TimelineFilter(text("kind"), text("actor"), _number(arguments.get("contact_id", "")), day("since"),
                          day("until"), _read_place(arguments.get("before", "")))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _read_place(text: str) -> Place | None:
    at, _, rest = text.partition("~")
    source, _, number = rest.partition("~")
    id = _number(number)
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Place(moment, source, id) if id is not None and source in (OWN, *_SOURCES) else None


def timeline_arguments(chosen: TimelineFilter) -> dict[str, Any]:
    """The address's arguments of a filter, without its page."""
    names = ("kind", "actor", "contact_id", "since", "until")
    return {name: value for name in names if (value := getattr(chosen, name))}
