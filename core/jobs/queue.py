"""Ringing the bell: enqueue a job by name and ids, JSON only, and live on when Redis is away."""

import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from core.db import after_commit
from core.jobs.embedded import embedded_url
from core.jobs.registry import JOBS, Ids, JobQueue
from core.logs import logger
from core.settings import settings

if TYPE_CHECKING:
    from rq import Queue

PERFORM = "core.jobs.registry.perform"
_log = logger(__name__)


@lru_cache(maxsize=1)
def connection() -> Redis:
    """A client with short time limits; on the embedded default the server is started when it is not there."""
    url = settings().redis_url or embedded_url(settings().data_dir)
    return Redis.from_url(url, socket_timeout=40, socket_connect_timeout=1, health_check_interval=15)


def rq_queue(queue: JobQueue) -> "Queue":
    """RQ is imported on the first ring: it takes longer to import than all of a page's own modules."""
    from rq import Queue
    from rq.serializers import JSONSerializer

    return Queue(queue.value, connection=connection(), serializer=JSONSerializer, default_timeout=24 * 3600)


def waiting_jobs(prefix: str, queue: JobQueue) -> int:
    """How many jobs whose id starts with `prefix` wait (running ones do not count)."""
    return sum(1 for job_id in rq_queue(queue).get_job_ids() if job_id.startswith(prefix))


def job_prefix(name: str, /, **ids: Ids) -> str:
    """What the ids of such jobs start with; RQ allows letters, digits, `_` and `-` in them."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", "-".join([name, *map(str, ids.values())])) + "-"


def ring(name: str, /, *, at_most: int = 1, **ids: Ids) -> bool:
    """Enqueue the job unless `at_most` like it wait already. False when Redis is away: a sweep rings again."""
    queue = JOBS[name].queue
    prefix = job_prefix(name, **ids)
    try:
        if waiting_jobs(prefix, queue) < at_most:
            rq_queue(queue).enqueue_call(
                PERFORM, args=(name, ids), job_id=f"{prefix}{uuid.uuid4().hex[:8]}", result_ttl=0, failure_ttl=86_400
            )
    except RedisError as error:
        _log.warning("bell not rung", job=name, reason=type(error).__name__)
        return False
    return True


def ring_after_commit(session: Session, name: str, /, *, at_most: int = 1, **ids: Ids) -> None:
    """Ring once the session's transaction is committed; never before."""
    after_commit(session, lambda: ring(name, at_most=at_most, **ids))
