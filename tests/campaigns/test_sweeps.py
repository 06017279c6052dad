"""What a dead process's journal proves, row by row."""

from pathlib import Path

import pytest
from sqlalchemy import update

from campaigns import jobs, outbox, sweeps
from campaigns.journal import Journal
from campaigns.models import Batch
from campaigns.outbox import ClaimedBatch, Prepared
from core.db import transaction
from core.jobs import JobQueue, waiting_jobs
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states


def _claim(journal: Journal, limit: int = 500) -> ClaimedBatch:
    with transaction() as session:
        batch = outbox.claim_batch(session, worker="w", journal=journal.name, limit=limit)
    assert batch is not None
    return batch


def _hand_over(batch: ClaimedBatch) -> list[int]:
    with transaction() as session:
        prepared = [Prepared(row.due.id, f"<{row.due.id}@x>", "h", row.due.address, None, None) for row in batch.rows]
        return sorted(outbox.begin_hand_over(session, batch, prepared))


@pytest.fixture
def journal(engine_side: Path) -> Journal:
    return Journal(settings().journal_dir)


def _die(journal: Journal) -> None:
    journal.close(keep=True)


def test_each_line_of_a_journal_settles_its_row(journal: Journal) -> None:
    running_campaign(5)
    batch = _claim(journal)
    accepted, begun, refused, later, _silent = _hand_over(batch)
    for one in (accepted, begun, refused, later):
        journal.begun(one, batch.fence)
    journal.accepted(accepted, batch.fence)
    journal.refused(refused, batch.fence, 550)
    journal.refused(later, batch.fence, 451)
    _die(journal)
    sweeps.settle_left_batches()
    assert [one.state for one in deliveries()] == ["sent", "unknown", "failed_permanent", "deferred", "queued"]


def test_after_a_power_cut_silence_proves_nothing(journal: Journal) -> None:
    running_campaign(3)
    batch = _claim(journal)
    accepted, *_rest = _hand_over(batch)
    journal.accepted(accepted, batch.fence)
    with transaction() as session:
        session.execute(update(Batch).values(boot_id="another"))
    _die(journal)
    sweeps.settle_left_batches()
    assert states() == {"sent": 1, "unknown": 2}


def test_a_living_process_keeps_its_claim_while_its_lease_holds(journal: Journal) -> None:
    running_campaign(2)
    _claim(journal)
    assert sweeps.settle_left_batches() == 0
    assert states() == {"claimed": 2}
    journal.close()


def test_a_row_whose_process_died_twice_while_it_was_alone_is_quarantined(engine_side: Path) -> None:
    running_campaign(1)
    for _ in range(3):
        journal = Journal(settings().journal_dir)
        _claim(journal)
        _die(journal)
        sweeps.settle_left_batches()
        if states() == {"quarantined": 1}:
            break
    assert states() == {"quarantined": 1}


def test_rows_of_a_lost_batch_are_taken_alone_until_they_are_handed_over(journal: Journal) -> None:
    running_campaign(4)
    _claim(journal)
    _die(journal)
    sweeps.settle_left_batches()
    after = Journal(settings().journal_dir)
    assert len(_claim(after).rows) == 1
    after.close(keep=True)


def test_a_rendered_batch_is_not_suspected(journal: Journal) -> None:
    running_campaign(4)
    journal.prepared(_claim(journal).fence)
    _die(journal)
    sweeps.settle_left_batches()
    after = Journal(settings().journal_dir)
    assert len(_claim(after).rows) == 4
    after.close(keep=True)


def test_a_taken_away_batch_is_refused_at_the_hand_over(journal: Journal) -> None:
    running_campaign(3)
    stale = _claim(journal)
    _die(journal)
    sweeps.settle_left_batches()
    assert _hand_over(stale) == []
    assert states() == {"queued": 3}


def test_a_step_of_the_sweep_that_fails_keeps_no_other_from_its_work(journal: Journal, queue_server: str,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(3)
    done = []

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweeps, "settle_left_batches", fail)
    monkeypatch.setattr(sweeps, "give_up_on_unknown", lambda: done.append("given up"))
    with pytest.raises(ZeroDivisionError):
        jobs.sweep()
    assert done == ["given up"]
    assert waiting_jobs("outreach_drain", JobQueue.OUTREACH) == 1
