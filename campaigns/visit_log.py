"""Opens and clicks are answered first and kept afterwards: no recipient waits for our database.

A visit goes into a queue in memory; one thread of the process stores what has come, many at a time. While the database
is away the thread tries again, and the visits wait with the moment at which they were made. They are lost when the
process ends meanwhile, or the oldest of them when more wait than `most`.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from campaigns.visits import Seen, record_visits
from core.db import transaction
from core.logs import logger

_log = logger(__name__)
_AT_ONCE = 2_000
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GATHERING = 0.5


Store = Callable[[Sequence[Seen]], None]


def store(batch: Sequence[Seen]) -> None:
    """Keep these visits, all or none."""
    with transaction() as session:
        record_visits(session, batch)


class VisitLog:
    """The queue of this process and its thread, which starts with the first visit (and anew in a forked child)."""

    def __init__(self, keep: Store = store, *, most: int = 20_000, gathering: float = _GATHERING) -> None:
        self._keep, self._most, self._gathering = keep, most, gathering
        self._waiting: deque[Seen] = deque()
        self._changed = threading.Condition()
        self._is_storing = False
        self._pid = 0

    def put(self, visit: Seen) -> None:
        """Take a visit; never waits for the database."""
        with self._changed:
            if self._pid != os.getpid():
                self._start()
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                _log.warning("a visit was lost: too many wait for the database", waiting=self._most)
            self._waiting.append(visit)
            self._changed.notify_all()

    def waiting(self) -> int:
        """How many visits nobody has begun to store."""
        return len(self._waiting)

    def settle(self, seconds: float) -> bool:
        """Wait until everything is stored; False when it is not after so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_storing, seconds)

    def _start(self) -> None:
        self._pid, self._is_storing = os.getpid(), False
        threading.Thread(target=self._run, name="visits", daemon=True).start()
        atexit.register(self.settle, 2.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
            time.sleep(self._gathering)  # visits come in crowds, and a crowd costs hardly more than one
            with self._changed:
                batch = [self._waiting.popleft() for _each in range(min(_AT_ONCE, len(self._waiting)))]
                self._is_storing = True
            self._store_for_sure(batch)
            with self._changed:
                self._is_storing = False
                self._changed.notify_all()

    def _store_for_sure(self, batch: Sequence[Seen]) -> None:
        pause = _PAUSE
        while not self._stored(batch):
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _stored(self, batch: Sequence[Seen]) -> bool:
        """False while the database is away. A visit that it refuses is left out, the others of its batch are not."""
        try:
            self._keep(batch)
        except SQLAlchemyError as error:
            if _is_away(error):
                _log.warning("visits wait for the database", count=len(batch), reason=type(error).__name__)
                return False
            if len(batch) == 1:
                _log.warning("a visit could not be kept", reason=type(error).__name__)
            else:
                for one in batch:
                    self._store_for_sure([one])
        return True


def _is_away(error: SQLAlchemyError) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and type(error).__name__ in ("OperationalError", "InterfaceError")


visit_log = VisitLog()
