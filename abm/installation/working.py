"""`abm work`: worker processes and the scheduler in one command; with `--burst` until nothing is due."""

import signal
import time
from collections.abc import Callable

from rq.registry import StartedJobRegistry

from abm.installation.processes import Child, scheduler_command, stop_all, worker_command
from abm.wiring import load_jobs
from campaigns.outbox import is_idle
from core import clock, db
from core.jobs import JobQueue, periodic_jobs, ring
from core.jobs.queue import connection, rq_queue

_STOP_SECONDS = 10.0
_CALM_ROUNDS = 2


def run_workers(*, processes: int, burst: bool, say: Callable[[str], None]) -> None:
    """Work until told to stop, or (burst) until no job waits or runs, nothing is being planned, due or claimed."""
    connection().ping()
    children = [
        Child(f"outreach worker {number + 1}", worker_command(JobQueue.OUTREACH), say) for number in range(processes)
    ]
    children += [Child(f"{queue} worker", worker_command(queue), say) for queue in (JobQueue.SWEEPS, JobQueue.GENERAL)]
    if not burst:
        children.append(Child("scheduler", scheduler_command(), say))
    stop = {"asked": False}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.update(asked=True))
    load_jobs()
    for child in children:
        child.start()
    try:
        _watch(children, burst=burst, is_asked=lambda: stop["asked"])
    finally:
        stop_all(children, seconds=_STOP_SECONDS)


def _watch(children: list[Child], *, burst: bool, is_asked: Callable[[], bool]) -> None:
    calm = 0
    while not is_asked():
        for child in children:
            child.look()
        if burst:
            calm = calm + 1 if _nothing_to_do() else 0
            if calm > _CALM_ROUNDS:
                return
            if calm or not _jobs_under_way():
                _ring_everything()
        time.sleep(0.25)


def _ring_everything() -> None:
    """What the scheduler would ring by the clock is rung at once, so that a burst need not wait for a slot."""
    for periodic in periodic_jobs():
        if periodic.seconds <= 60:
            ring(periodic.job_name)
    deadline = time.monotonic() + 30
    while _jobs_under_way() and time.monotonic() < deadline:
        time.sleep(0.05)


def _jobs_under_way() -> bool:
    return any(
        rq_queue(queue).count or StartedJobRegistry(queue=rq_queue(queue)).get_job_count(cleanup=False)
        for queue in JobQueue
    )


def _nothing_to_do() -> bool:
    if _jobs_under_way():
        return False
    with db.reading() as session:
        return is_idle(session, at=clock.now())
