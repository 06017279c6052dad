"""Senders are killed and frozen while they send; the sink's own log is compared with the database."""

import signal
import time
from pathlib import Path

import pytest

from campaigns import sweeps
from campaigns.dispatch import drain
from tests.faults.judge import judge
from tests.faults.registry import SEED, Plan
from tests.faults.scene import CONNECTIONS, Scene
from tests.outbox_factory import running_campaign, states

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to find processes"),
]


def test_killed_senders_lose_nothing_and_repeat_nothing(scene: Scene) -> None:
    chance = Plan(0, 0, SEED).chance()
    running_campaign(900)
    kills = 5
    for _ in range(kills):
        sender = scene.start_sender()
        scene.wait_for_acceptances(20)
        time.sleep(chance.uniform(0, 0.1))
        sender.kill()
        sweeps.settle_left_batches()
    in_doubt = states().get("unknown", 0)
    scene.send_the_rest()
    assert in_doubt > 0
    assert judge(scene, intended=900, most_unknown=kills * CONNECTIONS).complaints() == []


def test_two_senders_killed_at_once_and_their_rows_sent_by_a_third(scene: Scene) -> None:
    running_campaign(600)
    both = [scene.start_sender(), scene.start_sender()]
    scene.wait_for_acceptances(60)
    for sender in both:
        sender.kill()
    scene.send_the_rest()
    assert judge(scene, intended=600, most_unknown=2 * CONNECTIONS).complaints() == []


def test_a_frozen_sender_never_begins_another_message_once_its_lease_is_over(scene: Scene) -> None:
    running_campaign(600)
    frozen = scene.start_sender(lease=2, seconds=1, once=True)
    scene.wait_for_acceptances(30)
    frozen.signal(signal.SIGSTOP)
    time.sleep(2.2)
    sweeps.settle_left_batches()
    before, held = scene.accepted(), states()["handing"]
    frozen.signal(signal.SIGCONT)
    assert frozen.wait() == 0
    assert held > CONNECTIONS
    assert sum(scene.accepted().values()) - sum(before.values()) <= CONNECTIONS
    assert set(states()) == {"sent", "queued"}
    scene.send_the_rest()
    assert judge(scene, intended=600).complaints() == []


def test_rows_of_a_frozen_sender_go_out_once_by_another(scene: Scene) -> None:
    running_campaign(400)
    frozen = scene.start_sender(lease=2, seconds=1, once=True)
    scene.wait_for_acceptances(30)
    frozen.signal(signal.SIGSTOP)
    time.sleep(2.2)
    sweeps.settle_left_batches()
    drain()
    assert set(states()) == {"sent", "handing"}
    frozen.signal(signal.SIGCONT)
    assert frozen.wait() == 0
    scene.send_the_rest()
    assert judge(scene, intended=400).complaints() == []
