"""What a sending process asks itself before each message."""

import time

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from abm.company.actions import set_company_value
from campaigns import stops
from campaigns.channels.base import Outgoing
from campaigns.models import Run
from campaigns.watch import Watch
from core import clock
from core.db import transaction
from core.jobs.registry import request_stop
from tests.outbox_factory import running_campaign
from tests.promises.claiming import claimed

LEASE = 30.0


class Sending:
    """A watch that holds one claim, under a lease clock that is moved by hand, and a message of the claim."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = 1_000.0
        monkeypatch.setattr(clock, "host_lease_clock", lambda: self.moment)
        monkeypatch.setattr(clock, "lease_now", lambda _session: self.moment)
        running = running_campaign(1)
        batch = claimed("j")
        self.watch = Watch(lease_seconds=LEASE)
        self.watch.hold(batch.id, running.run_id, since=self.moment)
        self.message = Outgoing(1, batch.fence, running.run_id, self.watch.look(), "a@x.org", "b@x.org", b"")

    def may_begin_after(self, seconds: float, *, looks: bool = True) -> bool:
        self.moment += seconds
        if looks:
            self.watch.look()
        return self.watch.may_begin(self.message)


@pytest.fixture
def sending(engine_side: object, monkeypatch: pytest.MonkeyPatch) -> Sending:
    return Sending(monkeypatch)


def test_a_message_may_be_begun_while_nothing_forbids_it(sending: Sending) -> None:
    assert sending.may_begin_after(0)


def test_not_once_the_lease_is_over(sending: Sending) -> None:
    assert sending.may_begin_after(LEASE - 1)
    assert not sending.may_begin_after(1)


def test_again_for_as_long_as_the_lease_was_renewed(sending: Sending) -> None:
    sending.moment += 20
    sending.watch._renew()
    assert sending.may_begin_after(LEASE - 1)
    assert not sending.may_begin_after(1)


def test_not_when_the_lease_was_lost_and_could_not_be_renewed(sending: Sending) -> None:
    sending.moment += LEASE + 1
    sending.watch._renew()
    assert not sending.may_begin_after(0)


def test_not_when_nobody_has_looked_for_two_seconds(sending: Sending) -> None:
    assert sending.may_begin_after(1.9, looks=False)
    assert not sending.may_begin_after(0.2, looks=False)


def test_not_after_a_stop_that_came_since_it_was_judged(sending: Sending) -> None:
    with transaction() as session:
        stops.bump(session)
    assert not sending.may_begin_after(0.5)


def test_not_when_its_run_is_paused(sending: Sending) -> None:
    with transaction() as session:
        session.execute(update(Run).values(state="paused"))
    assert not sending.may_begin_after(0.5)


def test_not_when_all_sending_is_paused(sending: Sending) -> None:
    with transaction() as session:
        set_company_value(session, name="is_sending_paused", value=True)
    assert not sending.may_begin_after(0.5)


def test_not_when_the_process_is_to_stop(sending: Sending) -> None:
    request_stop()
    try:
        assert not sending.may_begin_after(0)
    finally:
        request_stop(stop=False)


def test_not_for_a_claim_that_was_let_go(sending: Sending) -> None:
    sending.watch.let_go(sending.message.fence)
    assert not sending.may_begin_after(0)


def test_a_lease_is_measured_by_a_clock_that_nobody_sets(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    before, wall = (clock.lease_now(session), clock.host_lease_clock()), time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3_600)
    after = (clock.lease_now(session), clock.host_lease_clock())
    assert [0 <= now - then < 60 for then, now in zip(before, after, strict=True)] == [True, True]
