"""The owner of time: rings each periodic job once per slot, however many schedulers run."""

import time
from datetime import timedelta

from core import clock, db
from core.jobs import Periodic, claim_tick, periodic_jobs, ring, stopping
from core.jobs.ticks import forget_ticks
from core.logs import logger

_log = logger(__name__)
_KEEP = timedelta(days=2)


def run_scheduler() -> None:
    """Until this process is told to stop; a database that is away for a while is waited for."""
    done: dict[str, int] = {}
    while not stopping():
        try:
            tick(done)
        except Exception as error:  # the scheduler must outlive any outage of the database or the queue
            _log.warning("tick failed", reason=type(error).__name__)
        time.sleep(0.5)


def tick(done: dict[str, int]) -> list[str]:
    """Ring what is due and return its names; `done` remembers each job's last slot, so that a slot costs one insert."""
    moment = clock.now().timestamp()
    due = [job for job in periodic_jobs() if done.get(job.job_name) != int(moment // job.seconds)]
    if not due:
        return []
    with db.transaction() as session:
        mine = [job for job in due if claim_tick(session, name=job.job_name, slot=int(moment // job.seconds))]
    for job in due:
        done[job.job_name] = int(moment // job.seconds)
    return _ring_all(mine)


def _ring_all(jobs: list[Periodic]) -> list[str]:
    for job in jobs:
        ring(job.job_name)
    return [job.job_name for job in jobs]


def clear_old_ticks() -> None:
    with db.transaction() as session:
        forget_ticks(session, before=clock.now() - _KEEP)
