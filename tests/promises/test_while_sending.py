"""What holds while messages leave the house: sums, caps, stops and pauses, by the other side's own log."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from abm.company.actions import set_company_value
from campaigns import consent, editing
from campaigns.dispatch import DrainOptions, drain
from campaigns.models import Campaign, Delivery, Touch
from core import clock, db
from core.db import reading, transaction
from core.settings import settings
from tests.outbox_factory import add_people, deliveries, lift_caps, make_run, running_campaign, states
from tests.promises.books import find_faults, find_faults_at_rest, one_moment
from tests.sink import Script, Sink, running_sink

OBEYED_WITHIN = 2.0
WORKERS, CAP = 16, 100


@contextmanager
def sending_to(monkeypatch: pytest.MonkeyPatch, script: Script, *, connections: int = 1) -> Iterator[Sink]:
    with running_sink(script) as (sink, port):
        monkeypatch.setenv("ABM_MAIL_URL", f"smtp://127.0.0.1:{port}?connections={connections}")
        settings.cache_clear()
        yield sink


@contextmanager
def draining() -> Iterator[threading.Thread]:
    """A drain under way beside the test; it has ended when the block is left."""
    thread = threading.Thread(target=drain, kwargs={"options": DrainOptions(seconds=15)})
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)


def note_moments(sink: Sink) -> list[tuple[float, str]]:
    """From now on (when, to whom) of everything the sink accepts."""
    noted: list[tuple[float, str]] = []
    accept = sink.accept

    def noting(content: bytes) -> None:
        noted.append((time.monotonic(), str(message_from_bytes(content)["To"])))
        accept(content)

    sink.accept = noting  # type: ignore[method-assign]
    return noted


def wait_for(noted: list[tuple[float, str]], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(noted) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_books_add_up_at_every_moment(engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(300)
    faults, checks = [], 0
    with sending_to(monkeypatch, Script({"rcpt": "451 later"}, times=20, delay=0.002), connections=3) as sink:
        with draining() as sender:
            while sender.is_alive():
                with one_moment() as session:
                    faults += find_faults(session, intended=300, accepted=Counter(sink.record.accepted))
                checks += 1
        with one_moment() as session:
            faults += find_faults_at_rest(session, intended=300, accepted=Counter(sink.record.accepted))
    assert faults == []
    assert checks > 10
    assert states() == {"sent": 280, "deferred": 20}


def test_sixteen_workers_reach_the_cap_of_an_account_and_never_pass_it(engine_side: Path) -> None:
    """Sixteen runs of ten people at one account, each drained by a worker of its own."""
    with transaction() as session:
        lift_caps(session)
        set_company_value(session, name="account_points_7_days", value=CAP)
        for number in range(WORKERS):
            session.execute(update(Campaign).where(Campaign.name == "welcome").values(name=f"welcome-{number}"))
            add_people(session, make_run(session), 10, accounts=1, first=1 + 100 * number)
        first = session.scalar(select(func.min(Delivery.account_id)))
        session.execute(update(Delivery).values(account_id=first))
    db.engine()  # made before threads could each make one
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda number: drain(worker=f"w{number}"), range(WORKERS)))
    with reading() as session:
        points = session.scalar(select(func.sum(Touch.points)))
    left = len(list(settings().outbox_dir.glob("*.eml")))
    assert (left, points, states()) == (CAP, CAP, {"sent": CAP, "queued": 10 * WORKERS - CAP})


def test_nothing_is_accepted_two_seconds_after_a_stop(engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One account is suppressed and one person unsubscribes while a slow relay is given sixty messages."""
    running_campaign(60)
    rows = deliveries()
    account = rows[30].account_id
    stopped = [row for row in rows if row.account_id == account] + [rows[-1]]
    with sending_to(monkeypatch, Script(delay=0.09)) as sink, draining():
        noted = note_moments(sink)
        wait_for(noted, 3)
        with transaction() as session:
            consent.suppress_account(session, account_id=account, reason="asked")
            consent.unsubscribe(session, delivery_id=rows[-1].id)
        since = time.monotonic()
    addresses = {row.address for row in stopped}
    late = [when - since for when, to in noted if to.split("<")[-1].rstrip(">") in addresses]
    assert [seconds for seconds in late if seconds > OBEYED_WITHIN] == []
    assert noted[-1][0] - since > OBEYED_WITHIN
    found = Counter(states())
    assert (found["sent"], found["suppressed"] + found["cancelled"]) == (len(noted), 60 - len(noted))
    assert len(noted) >= 60 - len(stopped)


def test_all_of_a_slice_is_stopped_and_not_only_the_next_one(engine_side: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice of a hundred to a relay that takes ten a second: everybody is at the domain that is suppressed."""
    running_campaign(100)
    with sending_to(monkeypatch, Script(delay=0.09)) as sink, draining():
        noted = note_moments(sink)
        wait_for(noted, 3)
        with transaction() as session:
            consent.suppress_domain(session, domain="example.com", reason="asked")
        since = time.monotonic()
    assert noted[-1][0] - since <= OBEYED_WITHIN
    drain()  # on a slow machine its time was over before the last of them were judged anew
    assert states() == {"sent": len(noted), "suppressed": 100 - len(noted)}


def test_a_pause_lets_out_what_is_in_flight_and_resuming_sends_exactly_the_rest(
        engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = running_campaign(80)
    with sending_to(monkeypatch, Script(delay=0.05)) as sink:
        noted = note_moments(sink)
        with draining():
            wait_for(noted, 3)
            with transaction() as session:
                editing.pause(session, campaign=session.get_one(Campaign, running.campaign_id))
            since = time.monotonic()
        assert noted[-1][0] - since <= OBEYED_WITHIN
        assert states() == {"sent": len(noted), "queued": 80 - len(noted)}
        with transaction() as session:
            session.info.pop("after_commit", None)
            editing.resume(session, campaign=session.get_one(Campaign, running.campaign_id))
            session.info.pop("after_commit", None)
            session.execute(update(Delivery).where(Delivery.state == "queued").values(due_at=clock.now()))
        sink.script.delay = 0.0
        drain()
        assert states() == {"sent": 80}
        assert len(set(sink.record.accepted)) == len(sink.record.accepted) == 80
