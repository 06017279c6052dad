"""Recipients are answered whatever the database does; visits are kept as soon as it can, with their own moment."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from campaigns.machine_rules import MachineRules
from campaigns.models import Event
from campaigns.tracking import click_url, open_url, trap_url
from campaigns.visit_log import VisitLog, visit_log
from campaigns.visits import Seen, Visitor
from core import clock, db

AGENT = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0"}
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@contextmanager
def locked_database() -> Iterator[None]:
    """Nothing can be written: another connection holds the database, or the tables that visits go to."""
    with db.engine().connect() as holder:
        if holder.dialect.name == "postgresql":
            holder.execute(text("LOCK TABLE delivery, event, link, company_setting IN ACCESS EXCLUSIVE MODE"))
        else:
            holder.execute(text("UPDATE company_setting SET updated_at = updated_at"))
        yield
        holder.rollback()


def test_nobody_waits_for_a_database_that_hangs_and_the_visits_are_kept_later(client_as: Any, sent_id: int) -> None:
    browser = client_as(None)
    with locked_database():
        began = time.monotonic()
        before = clock.now()
        answers = [browser.get("/" + url.split("/", 3)[3], headers=AGENT)
                   for url in (click_url(sent_id, "https://example.com/"), open_url(sent_id), trap_url(sent_id))]
        took, after = time.monotonic() - began, clock.now()
        assert [answer.status_code for answer in answers] == [302, 200, 204]
        assert took < 1
        assert not visit_log.settle(0.3)
    assert visit_log.settle(40)
    with db.reading() as session:
        found = session.execute(select(Event.kind, Event.at).order_by(Event.id)).all()
    assert [kind for kind, _at in found] == ["click", "open", "click"]
    assert all(before <= at <= after for _kind, at in found)


def visited(number: int) -> Seen:
    return Seen("open", number, Visitor("", "", NOON))


def away(error: type[Exception] = OperationalError) -> Exception:
    return error("INSERT", {}, Exception("away"))  # type: ignore[call-arg]


def test_while_the_database_is_away_the_thread_tries_again(tmp_path: Path) -> None:
    kept: dict[str, int] = {}  # by key, as the database does
    failures = [away(), away()]

    def keep(batch: Sequence[Seen]) -> None:
        if failures:
            raise failures.pop()
        kept.update((one.key, one.delivery_id) for one in batch)

    log = VisitLog(keep, folder=tmp_path)
    for number in range(3):
        log.put(visited(number))
    assert log.settle(10)
    assert sorted(kept.values()) == [0, 1, 2]


def test_a_visit_that_the_database_refuses_costs_no_other(tmp_path: Path) -> None:
    kept: list[int] = []
    go = threading.Event()

    def keep(batch: Sequence[Seen]) -> None:
        go.wait(5)
        if any(one.delivery_id == 2 for one in batch):
            raise away(IntegrityError)
        kept.extend(one.delivery_id for one in batch)

    log = VisitLog(keep, folder=tmp_path)
    for number in range(5):
        log.put(visited(number))
    go.set()
    assert log.settle(10)
    assert sorted(kept) == [0, 1, 3, 4]


def test_only_so_many_visits_wait_and_the_oldest_go_first(tmp_path: Path) -> None:
    kept: list[int] = []
    go = threading.Event()

    def keep(batch: Sequence[Seen]) -> None:
        go.wait(5)
        kept.extend(one.delivery_id for one in batch)

    log = VisitLog(keep, most=3, folder=tmp_path, patience=30)
    log.put(visited(0))
    while log.waiting():
        time.sleep(0.01)
    for number in range(1, 7):
        log.put(visited(number))
    go.set()
    assert log.settle(10)
    assert kept == [0, 4, 5, 6]


@pytest.mark.parametrize(
    ("ip", "is_machine"),
    [("192.0.2.77", True), ("192.0.3.1", False), ("2001:db8::1", True), ("2001:db9::1", False), ("", False),
     ("?", False)],
)
def test_a_visit_out_of_a_data_centre_is_a_programs(ip: str, is_machine: bool) -> None:
    rules = MachineRules(networks=("192.0.2.0/25", "192.0.2.64/26", "198.51.100.0/24", "2001:db8::/32"))
    assert rules.is_machine_click(agent="Firefox", seconds_since_sent=3_600, ip=ip) is is_machine


@pytest.mark.parametrize(("seconds", "is_machine"), [(1.4, True), (1.5, True), (1.6, False)])
def test_how_soon_is_too_soon_is_a_setting(seconds: float, is_machine: bool) -> None:
    assert MachineRules(1.5).is_machine_click(agent="Firefox", seconds_since_sent=seconds) is is_machine
