"""What a stale claimant may not do, and what the database itself refuses."""

import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from campaigns import caps, editing, finishing, outbox, restoring, stops, sweeps
from campaigns.channels.base import Outgoing, Result
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.journal import Owner, owner_of
from campaigns.models import Attempt, Batch, Campaign, Delivery, Enrolment, Run, Touch
from campaigns.outside import outside
from campaigns.preparing import prepare
from campaigns.states import OPEN_STATES, Reason
from campaigns.stopping import stop_people
from core import clock, db
from core.db import reading, transaction
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states
from tests.promises.books import find_faults
from tests.promises.claiming import claim, claimed, hand_over, new_journal, tell
from tests.sink import Script, running_sink

pytestmark = pytest.mark.usefixtures("engine_side")


def test_a_claim_whose_lease_is_over_hands_nothing_over() -> None:
    running_campaign(3)
    assert hand_over(claimed("j", lease=-1)) == []
    assert states() == {"claimed": 3}


def test_a_lease_that_is_over_is_not_renewed() -> None:
    running_campaign(2)
    lost, kept = claimed("j", lease=-1, limit=1), claimed("j", limit=1)
    with transaction() as session:
        assert outbox.renew_leases(session, batch_ids=[lost.id, kept.id]) == {kept.id}
    assert hand_over(lost) == []


def test_a_paused_run_hands_nothing_over() -> None:
    running = running_campaign(2)
    batch = claimed("j")
    with transaction() as session:
        editing.pause(session, campaign=session.get_one(Campaign, running.campaign_id))
    assert hand_over(batch) == []


def test_rows_taken_away_are_refused_though_the_database_clock_went_back() -> None:
    """A living process loses a row to a sweep; then the clock is set back, so that its lease seems to hold again."""
    running_campaign(2)
    journal = new_journal()
    stale = claimed(journal, lease=-1)
    with transaction() as session:
        session.execute(update(Batch).values(lease_until=Batch.lease_until + 30))
    first, second = (row.due.id for row in stale.rows)
    assert hand_over(stale, [first]) == [first]
    with transaction() as session:
        session.execute(update(Batch).values(lease_until=Batch.lease_until - 30))
    sweeps.settle_left_batches()
    later = claimed(new_journal())
    with transaction() as session:
        session.execute(update(Batch).where(Batch.id == stale.id).values(lease_until=Batch.lease_until + 3_600))
    assert hand_over(stale, [second]) == []
    assert hand_over(later) == [second]


def test_an_outcome_of_an_earlier_claim_changes_nothing() -> None:
    running_campaign(1)
    journal = new_journal()
    stale = claimed(journal)
    [one] = hand_over(stale)
    journal.close(keep=True)
    sweeps.settle_left_batches()
    later = claimed(new_journal())
    hand_over(later)
    assert tell(stale, one, Result.SENT) == 0
    assert states() == {"handing": 1}
    assert tell(later, one, Result.DEFERRED, code=451) == 1


def test_an_outcome_told_twice_is_recorded_once() -> None:
    running_campaign(1)
    batch = claimed("j")
    [one] = hand_over(batch)
    assert [tell(batch, one, result) for result in (Result.SENT, Result.DEFERRED, Result.SENT)] == [1, 0, 0]
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1
    assert states() == {"sent": 1}


def test_proof_of_acceptance_settles_what_was_unknown() -> None:
    running_campaign(1)
    batch = claimed("j")
    [one] = hand_over(batch)
    tell(batch, one, Result.UNKNOWN)
    assert (tell(batch, one, Result.DEFERRED), states()) == (0, {"unknown": 1})
    assert (tell(batch, one, Result.SENT), states()) == (1, {"sent": 1})


def test_what_is_unknown_is_never_claimed_again() -> None:
    running_campaign(1)
    batch = claimed("j")
    [one] = hand_over(batch)
    tell(batch, one, Result.UNKNOWN)
    assert claim("j") is None


def test_the_database_itself_refuses_the_same_intent_twice() -> None:
    running_campaign(2)
    first, second = deliveries()
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(Delivery).where(Delivery.id == second.id).values(contact_id=first.contact_id))


def test_claims_made_at_once_never_take_the_same_row() -> None:
    running_campaign(160)
    db.engine()  # made before threads could each make one
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: [claim(f"j{number}", limit=4) for _ in range(5)], range(8)))
    taken = [row.due.id for batches in found for batch in batches if batch for row in batch.rows]
    assert len(taken) == len(set(taken)) == 160


def test_what_another_host_was_handing_over_is_unknown_a_minute_after_its_lease_and_not_before() -> None:
    running_campaign(2)
    batch = claimed("of-another-host")
    hand_over(batch, [batch.rows[0].due.id])

    def states_after(seconds: float) -> dict[str, int]:
        with transaction() as session:
            session.execute(update(Batch).values(lease_until=clock.lease_now(session) - seconds))
        sweeps.settle_left_batches()
        return states()

    assert states_after(40) == {"handing": 1, "queued": 1}
    assert states_after(61) == {"unknown": 1, "queued": 1}


def test_a_journal_is_never_there_without_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that runs while a process makes its journal must not take it for that of a dead one."""
    lock = fcntl.flock

    def sweep_first(file: int, operation: int) -> None:
        if operation & fcntl.LOCK_EX:
            sweeps.remove_forgotten_journals()
        lock(file, operation)

    monkeypatch.setattr("campaigns.journal.fcntl.flock", sweep_first)
    journal = new_journal()
    assert owner_of(settings().journal_dir, journal.name) is Owner.ALIVE
    journal.close()
    assert list(settings().journal_dir.iterdir()) == []


def test_what_a_relay_did_not_take_costs_no_touch() -> None:
    running_campaign(2)
    batch = claimed("j")
    hand_over(batch)
    with transaction() as session:
        run, policy = prepare(batch, epoch=0).run, outside().company.policy(session)
        caps.take_caps(session, [row.due for row in batch.rows], run=run, policy=policy, at=clock.now())
    tell(batch, batch.rows[0].due.id, Result.DEFERRED, code=451)
    tell(batch, batch.rows[1].due.id, Result.UNKNOWN)
    with reading() as session:
        assert session.scalars(select(Touch.delivery_id)).all() == [batch.rows[1].due.id]


def test_history_tells_what_a_restored_copy_holds_for_unknown() -> None:
    running_campaign(3)
    hand_over(claimed("j", limit=2))
    with transaction() as session:
        assert restoring.hold(session) == 2
        assert restoring.hold_due(session, clock.now()).messages == 1
        assert list(find_faults(session, intended=3, accepted={})) == []
    assert states() == {"unknown": 3}


def test_a_restored_copy_makes_every_process_ask_the_gate_again() -> None:
    running_campaign(1)
    with transaction() as session:
        before = stops.current(session)
        restoring.hold(session)
        assert stops.current(session) > before


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_no_run_is_finished_while_a_delivery_is_open(state: str) -> None:
    running = running_campaign(2)
    with transaction() as session:
        session.execute(update(Enrolment).values(state="finished"))
        session.execute(update(Delivery).values(state="sent"))
        session.execute(update(Delivery).where(Delivery.id == deliveries()[0].id).values(state=state))
        assert finishing.finish_runs(session) == 0
        session.execute(update(Delivery).values(state="sent"))
        assert finishing.finish_runs(session) == 1
        assert session.get_one(Run, running.run_id).state == "finished"


def test_a_stop_between_envelope_and_content_closes_without_a_dot() -> None:
    """The relay takes its time to answer DATA; meanwhile the person is suppressed."""
    journal, asked = new_journal(), threading.Event()

    def may_begin(_message: Outgoing) -> bool:
        first = not asked.is_set()
        asked.set()
        return first

    with running_sink(Script(extensions=())) as (sink, port):
        carrier = SmtpCarrier(read_relay(f"smtp://127.0.0.1:{port}?connections=1"), journal, may_begin)
        carrier.hand_over([Outgoing(1, 1, 1, 0, "a@example.com", "b@example.com", b"Subject: x\r\n\r\nx\r\n")])
        told = []
        while not told:
            told = carrier.outcomes(0.1)
        carrier.close(1)
    journal.close()
    assert [one.result for one in told] == [Result.RETURNED]
    assert sink.record.accepted == []


def test_what_was_cancelled_under_a_claim_is_not_handed_over() -> None:
    running_campaign(2)
    batch = claimed("j")
    with transaction() as session:
        first = batch.rows[0].due
        stop_people(session, reason=Reason.OPTED_OUT, at=clock.now(), contact_ids=[first.contact_id])
    assert hand_over(batch) == [batch.rows[1].due.id]
    assert states() == {"cancelled": 1, "handing": 1}


def test_every_try_of_a_delivery_bears_the_same_message_id() -> None:
    running_campaign(1)
    tries = []
    for _ in range(2):
        batch = claimed("j")
        tries += [one.prepared.message_id for one in prepare(batch, epoch=0).ready]
        with transaction() as session:
            outbox.give_back(session, fence=batch.fence)
    assert len(tries) == 2
    assert len(set(tries)) == 1
