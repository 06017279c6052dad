"""Visits that wait for the database outlive the process they wait in, and are kept once."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from campaigns import visit_log, visit_spool
from campaigns.models import Event, Link
from campaigns.tracking import Click
from campaigns.visit_log import VisitLog, store, take_up_left
from campaigns.visit_spool import VisitSpool, take_up
from campaigns.visits import Seen, Visitor, named
from core import db
from core.settings import settings

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def visited(number: int, kind: str = "open", click: Click | None = None) -> Seen:
    return Seen(kind, number, Visitor("Firefox \n ü", "192.0.2.7", NOON), click)


def away() -> OperationalError:
    return OperationalError("INSERT", {}, Exception("away"))


class Database:
    """Takes visits while it is there, each key once."""

    def __init__(self) -> None:
        self.is_away, self.kept, self.asked = True, dict[str, Seen](), 0

    def keep(self, batch: Sequence[Seen]) -> None:
        self.asked += 1
        if self.is_away:
            raise away()
        self.kept.update((one.key, one) for one in batch)

    def numbers(self) -> list[int]:
        return sorted(one.delivery_id for one in self.kept.values())


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines_in(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.visits"))


def test_visits_wait_on_disk_while_the_database_is_away_and_leave_no_file(tmp_path: Path) -> None:
    database = Database()
    log = VisitLog(database.keep, folder=tmp_path, gathering=0.05, patience=0.1, most=120)
    for crowd in range(3):
        for number in range(100):
            log.put(visited(100 * crowd + number))
        wait_until(lambda crowd=crowd: lines_in(tmp_path) == 100 * (crowd + 1))
    assert (oct(next(tmp_path.iterdir()).stat().st_mode & 0o777), log.waiting()) == ("0o600", 0)
    database.is_away = False
    assert log.settle(20)
    assert database.numbers() == list(range(300))
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_hangs_is_one_that_is_away(tmp_path: Path) -> None:
    database = Database()
    database.is_away = False

    def hang(batch: Sequence[Seen]) -> None:
        time.sleep(1.0)
        database.keep(batch)

    log = VisitLog(hang, folder=tmp_path, gathering=0.05, patience=0.1)
    for number in range(5):
        log.put(visited(number))
    wait_until(lambda: lines_in(tmp_path) == 5)
    assert database.kept == {}
    assert log.settle(20)
    assert database.numbers() == [0, 1, 2, 3, 4]


def test_while_the_database_takes_what_comes_nothing_is_written(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    database, opened = Database(), []
    database.is_away = False
    monkeypatch.setattr(visit_log, "VisitSpool", lambda folder: opened.append(folder))
    log = VisitLog(database.keep, folder=tmp_path, gathering=0.01, patience=0.3)
    for number in range(20):
        log.put(visited(number))
        time.sleep(0.03)
    assert log.settle(10)
    assert (len(database.kept), opened, list(tmp_path.iterdir())) == (20, [], [])


def test_where_the_disk_refuses_as_well_visits_wait_in_memory(tmp_path: Path) -> None:
    database, no_folder = Database(), tmp_path / "file"
    no_folder.touch()
    log = VisitLog(database.keep, folder=no_folder, gathering=0.05, patience=0.1)
    for number in range(5):
        log.put(visited(number))
    wait_until(lambda: database.asked > 1)
    database.is_away = False
    assert log.settle(20)
    assert database.numbers() == [0, 1, 2, 3, 4]


def test_a_spool_that_is_full_takes_no_part_of_what_it_cannot_hold(tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_spool, "MOST_BYTES", 400)
    spool = VisitSpool(tmp_path)
    spool.add([named(visited(1))])
    with pytest.raises(OSError, match="wait already"):
        spool.add([named(visited(number)) for number in range(9)])
    assert [one.delivery_id for one in spool.read(0, spool.size)] == [1]
    spool.close()


def test_what_is_taken_up_is_what_was_seen_but_for_values_of_the_person(tmp_path: Path) -> None:
    spool = VisitSpool(tmp_path)
    open_click = visited(1, "click", Click(1, "https://example.com/offer?a=1", is_personal=False))
    personal = visited(2, "click", Click(2, "https://example.com/?name=jane", is_personal=True))
    spool.add([named(open_click), named(personal), named(visited(3, "trap"))])
    assert take_up(tmp_path, lambda _visits: pytest.fail("its process lives")) == 0
    spool.close(keep=True)
    found: list[Seen] = []
    assert take_up(tmp_path, lambda visits: not found.extend(visits)) == 3
    assert [(one.kind, one.visitor) for one in found] == [
        ("click", open_click.visitor), ("click", personal.visitor), ("trap", visited(3).visitor)]
    assert [one.click.url for one in found if one.click] == ["https://example.com/offer?a=1", "https://example.com/"]
    assert list(tmp_path.iterdir()) == []


def test_a_torn_or_spoilt_line_costs_no_other(tmp_path: Path) -> None:
    spool = VisitSpool(tmp_path)
    spool.add([named(visited(1)), named(visited(2))])
    spool.close(keep=True)
    file = next(tmp_path.iterdir())
    first, second, _end = file.read_bytes().split(b"\n")
    file.write_bytes(first + b"\n[1]\n\xff\n" + second + b"\n" + first[:20])
    found: list[Seen] = []
    take_up(tmp_path, lambda visits: not found.extend(visits))
    assert [one.delivery_id for one in found] == [1, 2]


def events() -> list[str]:
    with db.reading() as session:
        return list(session.scalars(select(Event.kind).order_by(Event.kind)))


def test_visits_of_a_process_that_was_killed_while_the_database_was_away_are_kept_once(sent_id: int) -> None:
    folder = settings().visits_dir
    db.engine().dispose()
    child = os.fork()
    if not child:
        db.dispose()
        log = VisitLog(Database().keep, gathering=0.05, patience=0.1)
        for _each in range(40):
            log.put(visited(sent_id))
        log.put(visited(sent_id, "click", Click(sent_id, "https://example.com/", is_personal=False)))
        time.sleep(60)
        os._exit(1)
    try:
        wait_until(lambda: lines_in(folder) == 41)
        assert take_up_left() == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    copy = next(folder.iterdir()).read_bytes()
    assert take_up_left() == 41
    assert events() == ["click"] + 40 * ["open"]
    (folder / "again.visits").write_bytes(copy)  # as when whoever took them up died before the file was removed
    take_up_left()
    assert len(events()) == 41
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Link)) == 1


def test_a_commit_that_nobody_heard_of_counts_once(sent_id: int, tmp_path: Path) -> None:
    heard: list[int] = []

    def lose_the_answer(batch: Sequence[Seen]) -> None:
        store(batch)
        heard.append(len(batch))
        if len(heard) == 1:
            raise away()

    log = VisitLog(lose_the_answer, folder=tmp_path, gathering=0.05)
    for _each in range(3):
        log.put(visited(sent_id))
    assert log.settle(10)
    assert len(heard) > 1
    assert events() == ["open"] * 3
