"""F18: the clocks of sending processes are wrong, differ, and jump while they send."""

import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from campaigns import sweeps
from campaigns.models import Delivery
from campaigns.proofs import keep_proof
from core import clock
from core.db import transaction
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, wait_until
from tests.outbox_factory import EMAIL_STEP, running_campaign, states

LEASE = 3.0
JUMPS = ("+1h", "-1h", "+1d", "-1d", "-30s", "+120s", "-120s", "+0")


class FalseClock:
    """A sending process whose wall clock is moved by a file, as NTP or a person moves a host's. Only the wall clock: a
    host's boot time moves for nobody."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._file = scene.folder / f"{name}.clock"
        self.set("+0")
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.process = scene.start(
            sys.executable, "-m", "tests.faults.drainer", str(LEASE), LD_PRELOAD=str(library), FAKETIME_NO_CACHE="1",
            FAKETIME_TIMESTAMP_FILE=str(self._file), FAKETIME_DONT_FAKE_MONOTONIC="1")

    def set(self, jump: str) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{jump}\n")
        fresh.rename(self._file)


def _try_content_out() -> None:
    """Beforehand: under the library that moves clocks, Python cannot wait for the child that tries content out."""
    keep_proof(((str(EMAIL_STEP["subject"]), False), ("", False), (str(EMAIL_STEP["html"]), True)))


@fault("F18", "clocks that jump and differ", rounds=4, messages=300, needs=("faketime", "proc"), long=Plan(8, 1_000))
def jump_clocks(scene: Scene, plan: Plan) -> Verdict:
    """Two senders whose clocks jump by up to a day while they send, each its own way, and sweeps beside them."""
    chance, recoveries = plan.chance(), []
    running_campaign(plan.messages)
    _try_content_out()
    with transaction() as session:  # due for a clock that is a day behind as well
        session.execute(update(Delivery).values(due_at=clock.now() - timedelta(days=2)))
    both = [FalseClock(scene, "first"), FalseClock(scene, "second")]
    scene.wait_for_acceptances(10)
    for _ in range(plan.rounds):
        for one in both:
            one.set(chance.choice(JUMPS))
        sweeps.settle_left_batches()
        recoveries.append(scene.wait_for_acceptances(plan.messages // (2 * plan.rounds)))
    wait_until(lambda: sweeps.settle_left_batches() >= 0 and set(states()) <= {"sent", "unknown"}, 60, every=0.5)
    for one in both:
        one.process.kill()
        one.process.wait()
    scene.send_the_rest()
    return judge(scene, intended=plan.messages, recoveries=recoveries)
