"""Counts that all web processes share, in the queue server: by key the moments of the last so many tries.

Keys are kept as keyed digests, since some are addresses of people. While the server does not answer nothing is counted
here, nobody waits for it, and it is asked again after a moment.
"""

import math
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError

from core import clock
from core.errors import CannotRun
from core.jobs.queue import SILENT_SECONDS, running_bell
from core.signing import keyed_digest

Answer = TypeVar("Answer")
_silent = {"until": 0.0}


def add(name: str, key: str, *, most: int, seconds: float) -> None:
    """Note a try; older ones than count are forgotten, and so is the key once all of them are too old."""
    place, now = _place(name, key), clock.now().timestamp()

    def write(client: Redis) -> None:
        steps = client.pipeline(transaction=True)
        steps.zadd(place, {uuid.uuid4().hex[:12]: now})
        steps.zremrangebyscore(place, "-inf", now - seconds)
        steps.zremrangebyrank(place, 0, -most - 1)
        steps.expire(place, math.ceil(seconds) + 1)
        steps.execute()

    _ask(write, None)


def find_first(name: str, key: str, *, most: int, seconds: float) -> float | None:
    """When the first of the last `most` tries was, where so many lie within the seconds; None where fewer do."""
    place, since = _place(name, key), clock.now().timestamp() - seconds

    def read(client: Redis) -> float | None:
        steps = client.pipeline(transaction=True)
        steps.zcount(place, f"({since}", "+inf")
        steps.zrange(place, -most, -most, withscores=True)
        count, found = steps.execute()
        return float(found[0][1]) if count >= most and found else None

    return _ask(read, None)


def _place(name: str, key: str) -> str:
    return f"abm:limit:{name}:{keyed_digest('rate-limit', key)}"


def _ask(question: Callable[[Redis], Answer], otherwise: Answer) -> Answer:
    if time.monotonic() < _silent["until"]:
        return otherwise
    try:
        client = running_bell()
        return question(client) if client is not None else otherwise
    except (RedisError, CannotRun):
        _silent["until"] = time.monotonic() + SILENT_SECONDS
        return otherwise
