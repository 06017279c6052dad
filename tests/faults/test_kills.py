"""Processes are killed and frozen while they send; the sink's own log is compared with the database."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from campaigns import sweeps
from campaigns.dispatch import drain
from campaigns.jobs import sweep
from campaigns.outbox import is_idle
from core.db import reading
from core.jobs import ring
from tests.faults.conftest import CONNECTIONS, StartSender, StartWorker, horses_of, wait_until
from tests.outbox_factory import deliveries, running_campaign, states

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to find processes"),
]

SEED = 20261122


def _accepted(log: Path) -> Counter[str]:
    return Counter(log.read_text().split())


def _send_the_rest() -> None:
    for _ in range(50):
        sweeps.settle_left_batches()
        drain()
        with reading() as session:
            if is_idle(session):
                return


def _check_books(log: Path, *, intended: int, most_unknown: int) -> None:
    """I1 to I4: nothing lost, nothing twice, doubt bounded, and each row's state agrees with the sink."""
    accepted, rows = _accepted(log), deliveries()
    found = Counter(row.state for row in rows)
    assert len(rows) == intended
    assert max(accepted.values()) == 1
    assert set(found) <= {"sent", "unknown"}
    assert found["unknown"] <= most_unknown
    assert {row.message_id for row in rows if row.state == "sent"} <= set(accepted)
    assert set(accepted) <= {row.message_id for row in rows}


def _wait_for_acceptances(log: Path, more: int) -> None:
    before = sum(_accepted(log).values())
    assert wait_until(lambda: sum(_accepted(log).values()) >= before + more, 20)


def test_killed_senders_lose_nothing_and_repeat_nothing(sink_log: Path, start_sender: StartSender) -> None:
    chance = random.Random(SEED)
    running_campaign(900)
    kills = 5
    for _ in range(kills):
        sender = start_sender()
        _wait_for_acceptances(sink_log, 20)
        time.sleep(chance.uniform(0, 0.1))
        sender.kill()
        sweeps.settle_left_batches()
    in_doubt = states().get("unknown", 0)
    _send_the_rest()
    assert in_doubt > 0
    _check_books(sink_log, intended=900, most_unknown=kills * CONNECTIONS)


def test_two_senders_killed_at_once_and_their_rows_sent_by_a_third(sink_log: Path, start_sender: StartSender) -> None:
    running_campaign(600)
    both = [start_sender(), start_sender()]
    _wait_for_acceptances(sink_log, 60)
    for sender in both:
        sender.kill()
    _send_the_rest()
    _check_books(sink_log, intended=600, most_unknown=2 * CONNECTIONS)


def test_a_killed_work_horse_is_settled_and_its_worker_goes_on(sink_log: Path, start_worker: StartWorker) -> None:
    running_campaign(500)
    worker = start_worker()
    for _ in range(2):
        ring("outreach.drain")
        _wait_for_acceptances(sink_log, 20)
        [horse] = horses_of(worker)
        os.kill(horse, signal.SIGKILL)
        assert wait_until(lambda: not horses_of(worker))
        sweep()
    assert wait_until(lambda: sweep() is None and set(states()) <= {"sent", "unknown"}, 30)
    _check_books(sink_log, intended=500, most_unknown=2 * CONNECTIONS)


def test_a_work_horse_dies_with_its_killed_worker(sink_log: Path, start_worker: StartWorker) -> None:
    running_campaign(500)
    worker = start_worker()
    ring("outreach.drain")
    _wait_for_acceptances(sink_log, 20)
    [horse] = horses_of(worker)
    os.kill(worker.pid, signal.SIGKILL)
    assert wait_until(lambda: not _is_running(horse), 1.0)
    _send_the_rest()
    _check_books(sink_log, intended=500, most_unknown=CONNECTIONS)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_frozen_sender_never_begins_another_message_once_its_lease_is_over(
    sink_log: Path, start_sender: StartSender
) -> None:
    running_campaign(600)
    frozen = start_sender(lease=2, seconds=1, once=True)
    _wait_for_acceptances(sink_log, 30)
    frozen.signal(signal.SIGSTOP)
    time.sleep(2.2)
    sweeps.settle_left_batches()
    before, held = _accepted(sink_log), states()["handing"]
    frozen.signal(signal.SIGCONT)
    assert frozen.wait() == 0
    assert held > CONNECTIONS
    assert sum(_accepted(sink_log).values()) - sum(before.values()) <= CONNECTIONS
    assert set(states()) == {"sent", "queued"}
    _send_the_rest()
    _check_books(sink_log, intended=600, most_unknown=0)


def test_rows_of_a_frozen_sender_go_out_once_by_another(sink_log: Path, start_sender: StartSender) -> None:
    running_campaign(400)
    frozen = start_sender(lease=2, seconds=1, once=True)
    _wait_for_acceptances(sink_log, 30)
    frozen.signal(signal.SIGSTOP)
    time.sleep(2.2)
    sweeps.settle_left_batches()
    drain()
    assert set(states()) == {"sent", "handing"}
    frozen.signal(signal.SIGCONT)
    assert frozen.wait() == 0
    _send_the_rest()
    _check_books(sink_log, intended=400, most_unknown=0)
