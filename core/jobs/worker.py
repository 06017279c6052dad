"""The worker process: RQ's forking worker, held to our job list, that lets a running job end its slice on a stop."""

import os
import signal
from contextlib import nullcontext, suppress
from typing import Any

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from core import db
from core.errors import Refused
from core.jobs.parent import die_with_parent
from core.jobs.queue import PERFORM, connection, rq_queue
from core.jobs.registry import JobQueue, request_stop

SECONDS_BETWEEN_HEARTBEATS = 5


class ListedJob(RqJob):
    """A job that can only be our `perform`: a callable name from Redis would be an import, so code execution."""

    def perform(self) -> Any:
        if self.func_name != PERFORM:
            raise Refused("The queue holds a job that this product did not put there")
        return super().perform()


class OutreachWorker(Worker):
    """Forks a work-horse per job; a stop asks the horse to end its slice instead of cutting it.

    While a horse works, a queue server that is away does not end its worker: the horse would be killed with it.
    """

    max_connection_wait_time = 5.0
    worker_pid = 0

    def main_work_horse(self, job: RqJob, queue: Queue) -> None:
        die_with_parent(self.worker_pid)
        signal.signal(signal.SIGUSR1, lambda _number, _frame: request_stop())
        db.dispose()
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGUSR1)

    def set_shutdown_requested_date(self) -> None:
        with suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def maintain_heartbeats(self, job: RqJob, execution: Execution) -> None:
        with suppress(RedisError):
            super().maintain_heartbeats(job, execution)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        with suppress(RedisError) if self.horse_pid else nullcontext():
            super().heartbeat(timeout, pipeline)


def work(queue: JobQueue, *, burst: bool = False, name: str | None = None) -> None:
    """Work on one queue until stopped, or (burst) until it is empty."""
    worker = OutreachWorker(
        [rq_queue(queue)],
        connection=connection(),
        serializer=JSONSerializer,
        job_class=ListedJob,
        name=name,
        worker_ttl=30,
        maintenance_interval=10,
        job_monitoring_interval=SECONDS_BETWEEN_HEARTBEATS,
        log_job_description=False,
    )
    worker.worker_pid = os.getpid()
    worker.work(burst=burst, logging_level="WARNING")
