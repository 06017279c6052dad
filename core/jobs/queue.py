"""Ringing the bell: enqueue a job by name and ids, JSON only, and live on when Redis is away."""

import re
import time
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.orm import Session

from core.db import after_commit
from core.errors import CannotRun
from core.jobs.embedded import embedded_url, socket_path
from core.jobs.registry import JOBS, Ids, JobQueue
from core.logs import logger
from core.settings import settings

if TYPE_CHECKING:
    from rq import Queue

PERFORM = "core.jobs.registry.perform"
_log = logger(__name__)


# A page waits for the bell this long at most, and after a failure nobody tries again for a moment.
RING_SECONDS = 0.4
SILENT_SECONDS = 2.0
# A sweep that hangs is given up, since all that was not rung for waits behind it.
MOST_SECONDS = {JobQueue.SWEEPS: 300}
_silent_until: dict[str, float] = {}


@lru_cache(maxsize=1)
def connection() -> Redis:
    """A worker's client, which waits for jobs; on the embedded default the server is started when it is not there."""
    url = settings().redis_url or embedded_url(settings().data_dir)
    return Redis.from_url(url, socket_timeout=40, socket_connect_timeout=1, health_check_interval=15)


def bell() -> Redis:
    """The client of whoever must not wait, such as a page: what is not rung in time is rung by a sweep."""
    return _quick_client(_address())


def _address() -> str:
    own = settings()
    path = socket_path(own.data_dir)
    return own.redis_url or (f"unix://{path}" if path.exists() else embedded_url(own.data_dir))


@lru_cache(maxsize=4)
def _quick_client(address: str) -> Redis:
    cut = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return Redis.from_url(address, socket_timeout=RING_SECONDS, socket_connect_timeout=RING_SECONDS, retry=cut)


def running_bell() -> Redis | None:
    """The quick client of a server that runs; None where the embedded one does not. Nothing is started for it."""
    own = settings()
    return bell() if own.redis_url or socket_path(own.data_dir).exists() else None


def queue_trouble() -> str:
    """What keeps jobs from being rung just now, as the name of an error; empty when they are."""
    own = settings()
    if not own.redis_url and not socket_path(own.data_dir).exists():
        return "NotRunning"
    try:
        bell().set("abm:can-write", 1, ex=60)
    except RedisError as error:
        return type(error).__name__
    return ""


def rq_queue(queue: JobQueue, *, client: Redis | None = None) -> "Queue":
    """RQ is imported on the first ring: it takes longer to import than all of a page's own modules."""
    from rq import Queue
    from rq.serializers import JSONSerializer

    chosen = client if client is not None else connection()
    longest = MOST_SECONDS.get(queue, 24 * 3600)
    return Queue(queue.value, connection=chosen, serializer=JSONSerializer, default_timeout=longest)


def waiting_jobs(prefix: str, queue: JobQueue) -> int:
    """How many jobs whose id starts with `prefix` wait (running ones do not count)."""
    return sum(1 for job_id in rq_queue(queue, client=bell()).get_job_ids() if job_id.startswith(prefix))


def job_prefix(name: str, /, **ids: Ids) -> str:
    """What the ids of such jobs start with; RQ allows letters, digits, `_` and `-` in them."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", "-".join([name, *map(str, ids.values())])) + "-"


def ring(name: str, /, *, at_most: int = 1, **ids: Ids) -> bool:
    """Enqueue the job unless `at_most` like it wait already. False when the queue is away, full or hung: a sweep rings
    again. Takes a part of a second at most, and nothing at all while the queue is known to be away."""
    queue, prefix, address = JOBS[name].queue, job_prefix(name, **ids), ""
    try:
        address = _address()
        if time.monotonic() < _silent_until.get(address, 0.0):
            return False
        if waiting_jobs(prefix, queue) < at_most:
            rq_queue(queue, client=bell()).enqueue_call(
                PERFORM, args=(name, ids), job_id=f"{prefix}{uuid.uuid4().hex[:8]}", result_ttl=0, failure_ttl=86_400
            )
    except (RedisError, CannotRun) as error:
        _silent_until[address] = time.monotonic() + SILENT_SECONDS
        _log.warning("bell not rung", job=name, reason=type(error).__name__)
        return False
    return True


def ring_after_commit(session: Session, name: str, /, *, at_most: int = 1, **ids: Ids) -> None:
    """Ring once the session's transaction is committed; never before."""
    after_commit(session, lambda: ring(name, at_most=at_most, **ids))
