"""Limits on how often something is tried: signing in, exports, calls of programs, tokens that are not ours.

All web processes count together in the queue server. While it is away each counts for itself, as it always does, so
that a limit is never gone. Unsubscribing and genuine tokens are never limited: only an answer that refuses is counted.
Who is over a limit is answered 429 with the seconds to wait.
"""

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask, Response, request

from abm.web import shared_counts
from core import clock

_MOST_KEYS = 20_000
_REFUSALS = frozenset({401, 404})


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many within so many seconds."""

    most: int
    seconds: float


EXPORTS = Limit(60, 3_600)
FAILED_SIGN_INS = Limit(30, 60)
WRONG_TOKENS = Limit(20, 1)
API_CALLS = Limit(600, 60)


class Counter:
    """Counts by key against one limit; forgets the keys that were quiet longest when there are too many. `name`: under
    which the processes share their counts; without one each keeps its own."""

    def __init__(self, limit: Limit, name: str = "") -> None:
        self.limit, self.name = limit, name
        self._lock = threading.Lock()
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, key: str) -> int:
        """Whole seconds until one more is allowed; 0: now."""
        with self._lock:
            moments = self._fresh(key)
            own = moments[0] if len(moments) >= self.limit.most else None
        first = own if own is not None or not self.name else shared_counts.find_first(
            self.name, key, most=self.limit.most, seconds=self.limit.seconds)
        return 0 if first is None else max(1, math.ceil(first + self.limit.seconds - clock.now().timestamp()))

    def count(self, key: str) -> None:
        if self.name:
            shared_counts.add(self.name, key, most=self.limit.most, seconds=self.limit.seconds)
        with self._lock:
            moments = self._fresh(key)
            moments.append(clock.now().timestamp())
            self._moments[key] = moments
            self._moments.move_to_end(key)
            if len(self._moments) > _MOST_KEYS:
                self._moments.popitem(last=False)

    def _fresh(self, key: str) -> deque[float]:
        moments = self._moments.get(key, deque(maxlen=self.limit.most))
        since = clock.now().timestamp() - self.limit.seconds
        while moments and moments[0] <= since:
            moments.popleft()
        return moments

    def forget(self) -> None:
        with self._lock:
            self._moments.clear()


exports, failed_sign_ins = Counter(EXPORTS, "exports"), Counter(FAILED_SIGN_INS, "sign-ins")
wrong_tokens, api_calls = Counter(WRONG_TOKENS, "tokens"), Counter(API_CALLS, "api")


def too_many(wait: int, sentence: str = "Too many tries in a short time.") -> Response:
    """The answer to who is over a limit."""
    return Response(f"{sentence} Wait {wait} seconds.\n", status=429, mimetype="text/plain",
                    headers={"Retry-After": str(wait)})


def set_up_limits(app: Flask, blueprints: Iterable[str], endpoints: Iterable[str]) -> None:
    """Count refused tokens by the caller's address at these places, and answer 429 beyond the limit."""
    guarded, single = frozenset(blueprints), frozenset(endpoints)

    @app.after_request
    def _limit_wrong_tokens(response: Response) -> Response:
        if response.status_code not in _REFUSALS:
            return response
        if request.blueprint not in guarded and request.endpoint not in single:
            return response
        caller = request.remote_addr or ""
        wait = wrong_tokens.seconds_to_wait(caller)
        if wait:
            return too_many(wait)
        wrong_tokens.count(caller)
        return response
