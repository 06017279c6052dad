"""F1 to F3: processes that send are killed with no warning."""

import os
import signal
import time

from campaigns.jobs import sweep
from core.jobs import ring
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import (
    CONNECTIONS,
    Forked,
    Scene,
    children_of,
    is_running,
    kill_embedded,
    kill_family,
    wait_until,
)
from tests.outbox_factory import running_campaign, states


def _horse_of(worker: Forked) -> int | None:
    """The work-horse of a worker that is sending; None when all is sent before it was seen."""
    wait_until(lambda: children_of(worker.pid) or set(states()) <= {"sent", "unknown"}, 20)
    return next(iter(children_of(worker.pid)), None)


@fault("F1", "kill -9 of a work-horse", rounds=3, messages=600, needs=("proc",), long=Plan(20, 5_000))
def kill_horses(scene: Scene, plan: Plan) -> Verdict:
    """Its rows are settled from its journal, and its worker goes on."""
    chance, recoveries = plan.chance(), []
    running_campaign(plan.messages)
    worker = scene.start_worker()
    for _ in range(plan.rounds):
        ring("outreach.drain")
        scene.wait_for_acceptances(20)
        time.sleep(chance.uniform(0, 0.1))
        if horse := _horse_of(worker):
            os.kill(horse, signal.SIGKILL)
            wait_until(lambda horse=horse: horse not in children_of(worker.pid))
        sweep()
        recoveries.append(scene.wait_for_acceptances(1))
    wait_until(lambda: sweep() is None and set(states()) <= {"sent", "unknown"}, 60, every=0.5)
    verdict = judge(scene, intended=plan.messages, most_unknown=plan.rounds * CONNECTIONS, recoveries=recoveries)
    if not verdict.unknown:
        verdict.broken.append("no kill met a message on the wire, so nothing was shown")
    return verdict


@fault("F2", "kill -9 of a worker while its work-horse sends", rounds=2, messages=500, needs=("proc",),
       long=Plan(10, 3_000))
def kill_workers(scene: Scene, plan: Plan) -> Verdict:
    """The orphan dies within a second, so nobody sends beside the worker that comes next."""
    chance, recoveries, orphans = plan.chance(), [], 0
    running_campaign(plan.messages)
    for _ in range(plan.rounds):
        worker = scene.start_worker()
        ring("outreach.drain")
        scene.wait_for_acceptances(20)
        time.sleep(chance.uniform(0, 0.1))
        horse = _horse_of(worker)
        os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
        if horse and not wait_until(lambda horse=horse: not is_running(horse), 1.0):
            orphans += 1
        next_one = scene.start_worker()
        sweep()
        recoveries.append(scene.wait_for_acceptances(1))
        next_one.kill()
    scene.send_the_rest()
    verdict = judge(scene, intended=plan.messages, most_unknown=2 * plan.rounds * CONNECTIONS, recoveries=recoveries)
    if orphans:
        verdict.broken.append(f"{orphans} orphans lived for more than a second")
    return verdict


@fault("F3", "kill -9 of the whole product", rounds=1, messages=600, needs=("proc",), long=Plan(2, 1_200))
def kill_everything(scene: Scene, plan: Plan) -> Verdict:
    """Web, workers, scheduler, queue server and all, as when a machine is switched off; the next start sends on. In the
    short run what is killed has no web process and did not need to be imported anew."""
    recoveries = []
    running_campaign(plan.messages)
    product = scene.start_product() if plan.is_long else scene.start_family()
    for _ in range(plan.rounds):
        scene.wait_for_acceptances(30)
        kill_family(product.pid)
        product.wait()
        kill_embedded(settings().data_dir)
        product = scene.start_product()
        recoveries.append(scene.wait_for_acceptances(1))
    scene.wait_until_sent()
    return judge(scene, intended=plan.messages, most_unknown=plan.rounds * CONNECTIONS, recoveries=recoveries)
