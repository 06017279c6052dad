"""The bell: jobs carry ids, leave after commit, may run twice. The database is the truth."""

from core.jobs.queue import JobQueue, connection, queue_trouble, ring, ring_after_commit, waiting_jobs
from core.jobs.registry import JOBS, Periodic, every, job, perform, periodic_jobs, request_stop, stopping
from core.jobs.ticks import Tick, claim_tick

__all__ = [
    "JOBS",
    "JobQueue",
    "Periodic",
    "Tick",
    "claim_tick",
    "connection",
    "every",
    "job",
    "perform",
    "periodic_jobs",
    "queue_trouble",
    "request_stop",
    "ring",
    "ring_after_commit",
    "stopping",
    "waiting_jobs",
]
