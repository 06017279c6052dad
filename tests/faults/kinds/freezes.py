"""F5: processes stand still past their lease (SIGSTOP), as in a snapshot or under swapping, and go on."""

import signal
import time

from campaigns import sweeps
from campaigns.dispatch import drain
from campaigns.outbox import LEASE_SECONDS
from core.jobs import JobQueue, ring
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, run_scheduler_for_ever
from tests.outbox_factory import running_campaign

SHORT_LEASE_SECONDS = 2.0
LONG_SECONDS, LONGEST_SECONDS = 60.0, 180.0


@fault("F5", "a sending process frozen past its lease", rounds=1, messages=500, long=Plan(1, 2_000))
def freeze_sender(scene: Scene, plan: Plan) -> Verdict:
    """Another sends what is free meanwhile; the one that wakes begins nothing that is no longer its own. The long run
    has the real lease and freezes for three minutes."""
    chance, recoveries = plan.chance(), []
    lease, seconds = (LEASE_SECONDS, LONGEST_SECONDS) if plan.is_long else (SHORT_LEASE_SECONDS, 2.3)
    running_campaign(plan.messages)
    for _ in range(plan.rounds):
        frozen = scene.start_sender(lease=lease, seconds=1, once=True)
        scene.wait_for_acceptances(20)
        time.sleep(chance.uniform(0, 0.1))
        frozen.signal(signal.SIGSTOP)
        time.sleep(seconds)
        sweeps.settle_left_batches()
        drain()
        frozen.signal(signal.SIGCONT)
        started = time.monotonic()
        frozen.wait()
        recoveries.append(time.monotonic() - started)
    scene.send_the_rest()
    verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    verdict.notes.append(f"frozen for {seconds:g} s, lease {lease:g} s")
    return verdict


@fault("F5", "a worker frozen while its work-horse sends", rounds=1, messages=400, needs=("proc",), long=Plan(1, 2_000))
def freeze_worker(scene: Scene, plan: Plan) -> Verdict:
    """The work-horse needs nobody; the worker takes the next job when it wakes."""
    recoveries = []
    scene.start_sink(delay=0.1 if plan.is_long else 0.004)
    running_campaign(plan.messages)
    worker = scene.start_worker()
    for _ in range(plan.rounds):
        ring("outreach.drain")
        scene.wait_for_acceptances(20)
        worker.signal(signal.SIGSTOP)
        scene.wait_for_acceptances(20)
        time.sleep(LONG_SECONDS if plan.is_long else SHORT_LEASE_SECONDS)
        worker.signal(signal.SIGCONT)
        recoveries.append(scene.wait_for_acceptances(1))
    worker.signal(signal.SIGTERM)
    worker.wait()
    scene.start_sink()
    scene.send_the_rest()
    verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    verdict.notes.append(f"frozen for {LONG_SECONDS if plan.is_long else SHORT_LEASE_SECONDS:g} s")
    return verdict


@fault("F5", "a scheduler frozen, another one beside it", rounds=1, messages=200, long=Plan(1, 2_000))
def freeze_scheduler(scene: Scene, plan: Plan) -> Verdict:
    """The slots are taken by whoever is awake, so what nobody rang for still goes out."""
    recoveries = []
    schedulers = [scene.fork(run_scheduler_for_ever) for _ in range(2)]
    for queue in JobQueue:
        scene.start_worker(queue)
    for done in range(plan.rounds):
        time.sleep(1.0)
        frozen = schedulers[done % 2]
        frozen.signal(signal.SIGSTOP)
        if not done:
            running_campaign(plan.messages)
        recoveries.append(scene.wait_for_acceptances(1))
        time.sleep(LONG_SECONDS if plan.is_long else 0)
        frozen.signal(signal.SIGCONT)
    scene.wait_until_sent()
    return judge(scene, intended=plan.messages, recoveries=recoveries)
