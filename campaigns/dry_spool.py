"""Where a dry run keeps what it does not need at the moment: who comes before which step when, the touches played so
far, and the lines. A private database file that nobody else sees and that is gone with its connection.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import orjson

from campaigns.dry_days import Line, Lines
from campaigns.dry_simulation import Event, Simulation
from campaigns.outside import Recipient

AT_ONCE = 5_000
_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_TABLES = (
    "CREATE TABLE event (at INTEGER, contact_id INTEGER, position INTEGER, promised INTEGER,"
    " PRIMARY KEY (at, contact_id, position)) WITHOUT ROWID",
    "CREATE TABLE touch (account_id INTEGER, at INTEGER, contact_id INTEGER, points INTEGER)",
    "CREATE INDEX touch_account ON touch (account_id, at)",
    "CREATE TABLE line (day TEXT, account_id INTEGER, step TEXT, channel TEXT, outcome TEXT, reason TEXT,"
    " people INTEGER, PRIMARY KEY (day, account_id, step, channel, outcome, reason)) WITHOUT ROWID",
)


@dataclass(frozen=True)
class Spool:
    """Events come back in the order of time, so many at once; touches by account; lines summed, by day and account."""

    file: sqlite3.Connection

    def put(self, events: Iterable[Event]) -> None:
        self.file.executemany("INSERT INTO event VALUES (?, ?, ?, ?)",
                              ((_ticks(at), *others) for at, *others in events))

    def take(self) -> list[Event]:
        """The next ones, which are gone from the spool then; empty at the end."""
        rows = self.file.execute("SELECT at, contact_id, position, promised FROM event "
                                 "ORDER BY at, contact_id, position LIMIT ?", (AT_ONCE,)).fetchall()
        if rows:
            self.file.execute("DELETE FROM event WHERE (at, contact_id, position) <= (?, ?, ?)", rows[-1][:3])
        return [Event(_moment(at), *others) for at, *others in rows]

    def remember(self, touches: Iterable[tuple[int, datetime, int, int]]) -> None:
        """(account_id, at, contact_id, points) of touches that were played."""
        self.file.executemany("INSERT INTO touch VALUES (?, ?, ?, ?)",
                              ((account_id, _ticks(at), *others) for account_id, at, *others in touches))

    def recall(self, simulation: Simulation, people: Iterable[Recipient], *, since: datetime) -> None:
        """Give the simulation the touches since then of these people and of everybody at their accounts."""
        people = list(people)
        contacts = {person.contact_id for person in people}
        rows = self.file.execute(
            "SELECT account_id, at, contact_id, points FROM touch WHERE at > ? AND account_id IN "
            "(SELECT value FROM json_each(?)) ORDER BY at",
            (_ticks(since), orjson.dumps(list({person.account_id for person in people})).decode()))
        for account_id, ticks, contact_id, points in rows:
            at = _moment(ticks)
            simulation.accounts[account_id].touches.append((at, points))
            if contact_id in contacts:
                simulation.people[contact_id].touches.append((at, 1))

    def add_lines(self, lines: Lines) -> None:
        self.file.executemany(
            "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET people = people + excluded.people",
            ((line.day.isoformat(), line.account_id, line.step, line.channel, line.outcome, line.reason, people)
             for line, people in lines.items()))

    def lines(self) -> Iterator[Lines]:
        """All of them, in parts; an account's day lies in one part."""
        part: Lines = Counter()
        last = None
        for day, account_id, *words, people in self.file.execute("SELECT * FROM line ORDER BY day, account_id"):
            if len(part) >= AT_ONCE and (day, account_id) != last:
                yield part
                part = Counter()
            part[Line(date.fromisoformat(day), account_id, *words)] = people
            last = (day, account_id)
        yield part


@contextmanager
def open_spool() -> Iterator[Spool]:
    """A spool of its own; nothing of it is left afterwards."""
    file = sqlite3.connect("", isolation_level=None)
    try:
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *_TABLES, "BEGIN"):
            file.execute(statement)
        yield Spool(file)
    finally:
        file.close()


def _ticks(at: datetime) -> int:
    return (at - _EPOCH) // _TICK


def _moment(ticks: int) -> datetime:
    return _EPOCH + ticks * _TICK
