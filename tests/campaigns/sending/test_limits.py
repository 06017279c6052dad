"""An identity's limits: reached and never passed, whoever sends; what does not fit waits and says why."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns import turns
from campaigns.commits import in_transaction
from campaigns.dispatch import drain
from campaigns.facts import DueDelivery
from campaigns.models import Campaign, CapBucket, Delivery, RelayHealth, Run
from campaigns.outbox import claim_batch
from campaigns.sending import allowances, breaker
from campaigns.sending.circuit import Opening
from campaigns.sending.ramp import WarmUp
from campaigns.sending.routes import Route, find_route
from campaigns.states import Reason
from core import clock
from core.db import engine, reading, transaction
from core.settings import settings
from tests.outbox_factory import Running, add_people, deliveries, lift_caps, make_run, running_campaign, states
from tests.sending_factory import make_identity
from tests.sink import Script, running_sink

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


def due(number: int, domain: str = "example.com") -> DueDelivery:
    return DueDelivery(number, 1, 1, number, 1, number, 0, "hello", "email", f"a{number}@{domain}", 1, NOW, NOW, None)


def identity(**values: Any) -> None:
    with transaction() as session:
        make_identity(session, **values)


def test_a_day_limit_is_reached_and_the_rest_waits_for_tomorrow_with_the_reason(engine_side: Path) -> None:
    running_campaign(30)
    identity(per_day=12)
    drain()
    waiting = [one for one in deliveries() if one.state == "queued"]
    assert states() == {"sent": 12, "queued": 18}
    assert {one.reason for one in waiting} == {Reason.SENDING_LIMIT}
    assert all(one.due_at > clock.now() and one.due_at.hour == 0 for one in waiting)
    assert "12 messages of today" in (waiting[0].detail or "")


def test_what_a_day_left_goes_out_on_the_next(engine_side: Path) -> None:
    running_campaign(30)
    identity(per_day=20)
    drain()
    try:
        clock.set_clock(lambda: datetime.now(UTC) + timedelta(days=1))
        drain()
    finally:
        clock.set_clock(None)
    assert states() == {"sent": 30}


def test_a_warm_up_limits_like_a_day_limit_and_names_itself(engine_side: Path) -> None:
    running_campaign(8)
    identity(per_day=100, warm_up_from=clock.today(), warm_up_first=5, warm_up_growth=50)
    drain()
    assert states() == {"sent": 5, "queued": 3}
    assert "warm-up" in (next(one.detail for one in deliveries() if one.state == "queued") or "")


def test_a_recipient_domain_has_a_limit_of_its_own(engine_side: Path) -> None:
    running_campaign(10)
    with transaction() as session:
        make_identity(session, per_domain_day=4)
        for row in session.scalars(select(Delivery).where(Delivery.id % 2 == 0)):
            row.address = "x@other.example"
    drain()
    assert states() == {"sent": 8, "queued": 2}


def test_a_sender_without_an_identity_has_no_limits(engine_side: Path) -> None:
    running_campaign(30)
    identity(email="other@example.com", per_day=1)
    drain()
    assert states() == {"sent": 30}


def test_an_identity_may_cover_its_whole_domain_and_the_address_itself_goes_first(engine_side: Path) -> None:
    with transaction() as session:
        whole = make_identity(session, email="office@example.com", covers_domain=True)
        own = make_identity(session, email="sales@example.com")
        assert find_route(session, "Sales@example.com").identity_id == own.id
        assert find_route(session, "anna@example.com").identity_id == whole.id
        assert find_route(session, "anna@example.org").identity_id == 0


def test_limits_per_second_are_kept_by_the_sinks_own_count(engine_side: Path) -> None:
    running_campaign(12)
    identity(per_second=5)
    drain()
    with reading() as session:
        used = session.scalars(select(CapBucket.used).where(CapBucket.scope == allowances.SECOND)).all()
    assert states() == {"sent": 12}
    assert sum(used) == 12
    assert max(used) == 5


def test_sixteen_workers_take_exactly_the_limit_of_the_day(engine_side: Path) -> None:
    route = Route(identity_id=7, per_day=100, per_domain_day=60, name="Sales")

    def work(worker: int) -> int:
        taken = 0
        for turn in range(5):
            dues = [due(worker * 100 + turn * 10 + n, f"d{n % 2}.example") for n in range(4)]
            refused = in_transaction(lambda session, dues=dues: allowances.take_day(
                session, dues, route=route, batch_id=0, at=NOW))
            taken += len(dues) - len(refused)
        return taken

    engine()  # made before threads could each make one
    with ThreadPoolExecutor(16) as pool:
        taken = sum(pool.map(work, range(16)))
    with reading() as session:
        used = dict(session.execute(select(CapBucket.key, CapBucket.used)).all())
    assert taken == used["7"] == 100
    assert max(used["7:d0.example"], used["7:d1.example"]) <= 60


def test_sixteen_workers_begin_no_more_than_the_second_allows(engine_side: Path) -> None:
    route = Route(identity_id=7, per_second=10)

    def work(_worker: int) -> int:
        return sum(in_transaction(lambda session: allowances.take_second(session, route, 3)) for _ in range(4))

    engine()  # made before threads could each make one
    with ThreadPoolExecutor(16) as pool:
        taken = sum(pool.map(work, range(16)))
    with reading() as session:
        used = session.scalars(select(CapBucket.used).where(CapBucket.scope == allowances.SECOND)).all()
    assert taken == sum(used)
    assert max(used) <= 10


def test_what_a_relay_did_not_take_is_given_back_to_the_day(engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(6)
    identity(per_day=50, per_domain_day=50)
    with running_sink(Script({"rcpt": "450 later"}, times=4)) as (_sink, port):
        monkeypatch.setenv("ABM_MAIL_URL", f"smtp://127.0.0.1:{port}?connections=1")
        settings.cache_clear()
        drain()
    with reading() as session:
        assert set(session.scalars(select(CapBucket.used).where(CapBucket.scope.in_(("sender", "domain"))))) == {2}
    assert states() == {"sent": 2, "deferred": 4}


def test_two_campaigns_of_one_sender_get_equal_parts_of_its_day(engine_side: Path) -> None:
    runs = two_campaigns(100, 100, per_day=40)
    drain()
    assert sent_by(runs) == [20, 20]


def two_campaigns(first_people: int, second_people: int, *, urgent: bool = False, **limits: Any) -> list[int]:
    """Two runs of one sender whose people are all at one domain; the second may be more urgent. The first has its
    turn first."""
    turns._last_turn.clear()
    with transaction() as session:
        lift_caps(session)
        make_identity(session, **limits)
        first = make_run(session)
        add_people(session, first, first_people)
        session.execute(update(Campaign).values(name="first"))
        second = make_run(session)
        add_people(session, second, second_people, first=1_001)
        if urgent:
            session.get_one(Run, second.run_id).priority = 1
    return [first.run_id, second.run_id]


def sent_by(runs: list[int]) -> list[int]:
    sent = Counter(one.run_id for one in deliveries() if one.state == "sent")
    return [sent[run_id] for run_id in runs]


def test_an_urgent_campaign_shares_its_senders_day_with_none_that_is_less_so(engine_side: Path) -> None:
    runs = two_campaigns(100, 30, urgent=True, per_day=40)
    drain()
    assert sent_by(runs) == [10, 30]


def test_two_campaigns_get_equal_parts_of_what_a_domain_may_get(engine_side: Path) -> None:
    runs = two_campaigns(100, 100, per_domain_day=40)
    drain()
    assert sent_by(runs) == [20, 20]


def test_what_a_small_campaign_does_not_need_of_a_domain_is_used_by_the_large_one(
        engine_side: Path, at: Callable[..., None]) -> None:
    now = clock.now()
    runs = two_campaigns(100, 5, per_domain_day=40)
    drain()
    assert sent_by(runs) == [20, 5]
    at(now + timedelta(minutes=6))
    drain()
    assert sent_by(runs) == [35, 5]


@pytest.mark.parametrize(("looked_at", "are_seen"), [(20_000, True), (10, False)])
def test_rivals_are_looked_for_among_what_is_due_first(engine_side: Path, monkeypatch: pytest.MonkeyPatch,
                                                       looked_at: int, are_seen: bool) -> None:
    """So that a batch costs the same beside a campaign of a million."""
    runs = two_campaigns(5, 20, per_domain_day=40)
    with transaction() as session:
        late = session.scalars(select(Delivery).where(Delivery.run_id == runs[1]).order_by(Delivery.id)).all()[-1]
        late.address, late.due_at = "late@elsewhere.example", clock.now()
        for row in session.scalars(select(Delivery).where(Delivery.run_id == runs[1], Delivery.id != late.id)):
            row.due_at = clock.now() - timedelta(hours=1)
    monkeypatch.setattr(allowances, "LOOKED_AT", looked_at)
    with reading() as session:
        found = allowances.find_rivals(session, Route(identity_id=1, per_domain_day=40), domains={"elsewhere.example"},
                                       runs=runs[1:], at=clock.now())
    assert found == ({"elsewhere.example": frozenset(runs[1:])} if are_seen else {})


def test_what_was_taken_alone_is_made_up_for_when_another_campaign_comes(engine_side: Path) -> None:
    with transaction() as session:
        lift_caps(session)
        make_identity(session, per_domain_day=40)
        first = make_run(session)
        add_people(session, first, 30)
        session.execute(update(Campaign).values(name="first"))
    drain()
    with transaction() as session:
        add_people(session, first, 50, first=2_001)
        second = make_run(session)
        add_people(session, second, 50, first=1_001)
    drain()
    assert sent_by([first.run_id, second.run_id]) == [30, 10]


def test_runs_of_one_priority_take_turns_and_an_urgent_one_goes_first(engine_side: Path) -> None:
    with transaction() as session:
        lift_caps(session)
        runs = []
        for number in range(3):
            runs.append(make_run(session).run_id)
            add_people(session, Running(0, session.get_one(Run, runs[-1]).version_id, runs[-1]), 60,
                       first=1 + 1_000 * number)
            session.execute(update(Campaign).values(name=Campaign.name + str(number)))
        session.get_one(Run, runs[2]).priority = 1
    order = []
    for _ in range(8):
        batch = in_transaction(lambda session: claim_batch(session, worker="w", journal="j", limit=20))
        order.append(batch.run_id if batch else 0)
    assert order[:3] == [runs[2]] * 3
    assert order[3:7] in ([runs[0], runs[1]] * 2, [runs[1], runs[0]] * 2)


def test_a_pause_holds_everything_back_and_ends_by_itself(engine_side: Path) -> None:
    running_campaign(5)
    with transaction() as session:
        breaker.note_openings(session, 0, [Opening(False, "auth", 535, "bad credentials")])
    drain()
    waiting = deliveries()
    assert states() == {"queued": 5}
    assert {one.reason for one in waiting} == {Reason.SENDER_PAUSED}
    assert "535 bad credentials" in (waiting[0].detail or "")
    try:
        clock.set_clock(lambda: datetime.now(UTC) + timedelta(minutes=2))
        drain()
    finally:
        clock.set_clock(None)
    assert states() == {"sent": 5}


def test_a_person_may_end_a_pause(engine_side: Path) -> None:
    running_campaign(3)
    with transaction() as session:
        breaker.note_openings(session, 0, [Opening(False, "auth", 535, "bad credentials")])
    drain()
    with transaction() as session:
        assert breaker.try_now(session, 0) == 3
    drain()
    assert states() == {"sent": 3}


def test_a_relay_that_refuses_the_login_is_left_alone_at_once(engine_side: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(250)
    with running_sink(Script({"auth": "535 5.7.8 no"}, extensions=("AUTH PLAIN",))) as (sink, port):
        monkeypatch.setenv("ABM_MAIL_URL", f"smtp://user:wrong@127.0.0.1:{port}?connections=1")
        settings.cache_clear()
        drain()
        tries = sink.record.connections
        drain()
    with reading() as session:
        assert session.get_one(RelayHealth, 0).times_paused == 1
    assert sink.record.connections == tries <= 2
    reasons = Counter((one.state, one.reason) for one in deliveries())
    assert reasons == {("deferred", Reason.NO_WAY_OUT): 100, ("queued", Reason.SENDER_PAUSED): 150}


def test_what_was_not_let_in_is_due_at_once_when_a_person_ends_the_pause(engine_side: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(3)
    with running_sink(Script({"auth": "535 5.7.8 no"}, times=1, extensions=("AUTH PLAIN",))) as (_sink, port):
        monkeypatch.setenv("ABM_MAIL_URL", f"smtp://user:wrong@127.0.0.1:{port}?connections=1")
        settings.cache_clear()
        drain()
        assert states() == {"deferred": 3}
        with transaction() as session:
            assert breaker.try_now(session, 0) == 3
        drain()
    assert states() == {"sent": 3}


def test_a_connection_that_opens_closes_the_circuit_again(engine_side: Path) -> None:
    with transaction() as session:
        breaker.note_openings(session, 0, [Opening(False, "connect", None, "refused")] * 10)
        breaker.note_openings(session, 0, [Opening(True)])
    with reading() as session:
        health = session.get_one(RelayHealth, 0)
        assert (health.failures_in_row, health.times_paused, health.paused_until) == (0, 0, None)


def test_counts_of_days_that_are_over_are_forgotten(engine_side: Path) -> None:
    route = Route(identity_id=7, per_day=5, warm_up=WarmUp(NOW.date(), 5, 0))
    with transaction() as session:
        allowances.take_day(session, [due(1)], route=route, batch_id=0, at=clock.now() - timedelta(days=9))
        allowances.take_day(session, [due(2)], route=route, batch_id=0, at=clock.now())
        allowances.forget_old(session)
        assert set(session.scalars(select(CapBucket.window))) == {clock.now().date().isoformat()}
