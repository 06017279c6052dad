"""F19: several schedulers are started at once, and each asks more than once for every slot."""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from abm.installation import scheduler
from core import clock
from core.db import reading
from core.jobs import Tick, periodic_jobs
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene

SCHEDULERS = 5
START = datetime(2026, 3, 11, 12, tzinfo=UTC)


def _keep_time(log: Path, start: datetime, moments: int) -> None:
    """The real tick under a quick clock; each moment is asked for twice, as by somebody who was started anew."""
    rings = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    scheduler.ring = lambda name: os.write(rings, f"{name} {clock.now().timestamp()}\n".encode()) > 0  # type: ignore[assignment]
    for number in range(moments):
        clock.set_clock(lambda number=number: start + timedelta(seconds=5 * number))  # type: ignore[misc]
        for _ in range(2):
            scheduler.tick({})


@fault("F19", "five schedulers started at once", rounds=1, messages=60, long=Plan(1, 260))
def start_schedulers(scene: Scene, plan: Plan) -> Verdict:
    """`messages`: how many moments, 5 s apart. Each slot of each job is rung once; none is left out."""
    verdict = Verdict()
    for done in range(plan.rounds):
        start = START + timedelta(days=30 * done)
        log = scene.folder / "rings.log"
        log.write_text("")
        before = _ticks()
        keep = partial(_keep_time, log, start, plan.messages)
        for one in [scene.fork(keep) for _ in range(SCHEDULERS)]:
            one.wait(300)
        rung, ticks = len(log.read_text().splitlines()), _ticks() - before
        wanted = sum(len({int((start.timestamp() + 5 * number) // job.seconds) for number in range(plan.messages)})
                     for job in periodic_jobs())
        verdict.notes.append(f"{ticks} slots, {rung} rings")
        if not rung == ticks == wanted:
            verdict.broken.append(f"{wanted} slots, taken {ticks} times, rung {rung} times")
    return verdict


def _ticks() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Tick)) or 0
