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
    owed: set[str] = set()
    while not stopping():
        try:
            tick(done, owed)
        except Exception as error:  # the scheduler must outlive any outage of the database or the queue
            _log.warning("tick failed", reason=type(error).__name__)
        time.sleep(0.5)


def tick(done: dict[str, int], owed: set[str] | None = None) -> list[str]:
    """Ring what is due and return its names; `done` remembers each job's last slot, so that a slot costs one insert,
    and `owed` what could not be rung: a day's job must not wait for the next day because the queue was away."""
    moment = clock.now().timestamp()
    due = [job for job in periodic_jobs() if done.get(job.job_name) != int(moment // job.seconds)]
    names = _claim(due, moment) if due else []
    for job in due:
        done[job.job_name] = int(moment // job.seconds)
    unrung = {name for name in {*(owed or ()), *names} if not ring(name)}
    if owed is not None:
        owed.clear()
        owed |= unrung
    return names


def _claim(due: list[Periodic], moment: float) -> list[str]:
    with db.transaction() as session:
        return [job.job_name for job in due if claim_tick(session, name=job.job_name, slot=int(moment // job.seconds))]


def clear_old_ticks() -> None:
    with db.transaction() as session:
        forget_ticks(session, before=clock.now() - _KEEP)
