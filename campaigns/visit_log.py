"""Opens and clicks are answered first and kept afterwards: no recipient waits for our database.

A visit goes into a queue in memory; one thread of the process stores what has come, many at a time. While the database
is away or hangs the thread tries again, and what waits is written to a file (`campaigns.visit_spool`): when the process
ends meanwhile, a sweep or the next process stores it. Visits keep the moment at which they were made. They are lost
when neither database nor disk takes them and the process ends, or the oldest when more wait in memory than `most`.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from campaigns.visit_spool import VisitSpool, take_up
from campaigns.visits import Seen, named, record_visits
from core.db import transaction
from core.logs import logger
from core.settings import settings

_log = logger(__name__)
_AT_ONCE = 2_000
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GATHERING = 0.5
_PATIENCE = 1.0


Store = Callable[[Sequence[Seen]], None]


def store(batch: Sequence[Seen]) -> None:
    """Keep these visits, all or none."""
    with transaction() as session:
        record_visits(session, batch)


def take_up_left() -> int:
    """Store what processes of this data folder had to leave behind; how many visits."""
    return take_up(settings().visits_dir, partial(_try_all, store))


class VisitLog:
    """The queue of this process and its threads, which start with the first visit (and anew in a forked child)."""

    def __init__(self, keep: Store = store, *, most: int = 20_000, gathering: float = _GATHERING,
                 patience: float = _PATIENCE, folder: Path | None = None) -> None:
        self._keep, self._most, self._gathering, self._patience = keep, most, gathering, patience
        self._folder = folder
        self._waiting: deque[Seen] = deque()
        self._changed = threading.Condition()
        self._pid = 0
        self._set_up()

    def _set_up(self) -> None:
        """`_since`: when the attempt to store that is under way began; None when nothing is being stored."""
        self._in_hand: list[Seen] = []
        self._since: float | None = None
        self._is_on_disk = False
        self._begun = threading.Event()
        self._disk = threading.Lock()
        self._spool: VisitSpool | None = None

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
            return self._changed.wait_for(lambda: not self._waiting and self._since is None, seconds)

    def _start(self) -> None:
        self._pid = os.getpid()
        self._set_up()
        for name, run in (("visits", self._run), ("visits on disk", self._guard)):
            threading.Thread(target=run, name=name, daemon=True).start()
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self._pid == os.getpid() and not self.settle(2.0):
            self._write_down(is_last=True)

    # the thread that stores

    def _run(self) -> None:
        self._begin([])
        self._take_up()
        self._store_written()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
            time.sleep(self._gathering)  # visits come in crowds, and a crowd costs hardly more than one
            with self._changed:
                self._begin([named(self._waiting.popleft()) for _each in range(min(_AT_ONCE, len(self._waiting)))])
            self._store_for_sure(self._in_hand)
            self._store_written()

    def _begin(self, batch: list[Seen]) -> None:
        self._in_hand, self._since = batch, time.monotonic()
        self._begun.set()

    def _store_for_sure(self, batch: Sequence[Seen]) -> None:
        pause = _PAUSE
        while not _try(self._keep, batch):
            self._write_down()
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _store_written(self) -> None:
        """What had to be written down meanwhile, until nothing is left of it."""
        done, size = 0, -1
        while (size := self._rest_at(done)) != done:
            assert self._spool is not None
            visits = self._spool.read(done, size)
            for first in range(0, len(visits), _AT_ONCE):
                self._since = time.monotonic()
                self._store_for_sure(visits[first:first + _AT_ONCE])
            if not done:
                self._take_up()
            done = size

    def _rest_at(self, done: int) -> int:
        """How many bytes are written down. When all of them are stored (`done`) the file goes; nothing is in hand."""
        with self._disk:
            size = self._spool.size if self._spool else 0
            if size == done:
                if self._spool is not None:
                    self._spool.close()
                with self._changed:
                    self._in_hand, self._since, self._is_on_disk = [], None, False
                    self._changed.notify_all()
            return size

    def _take_up(self) -> None:
        """What others left. Where that fails, a sweep or a later process does it."""
        try:
            take_up(self._place(), partial(_try_all, self._keep))
        except (OSError, ValueError) as error:
            _log.warning("visits on disk could not be taken up", reason=type(error).__name__)

    # the thread that writes to disk what the database does not take

    def _guard(self) -> None:
        while True:
            self._begun.wait()
            self._begun.clear()
            time.sleep(self._patience)
            while self._is_late():
                self._write_down()
                time.sleep(self._gathering)

    def _is_late(self) -> bool:
        since = self._since
        return since is not None and time.monotonic() - since >= self._patience

    def _write_down(self, *, is_last: bool = False) -> None:
        """What is in hand, once, and what waits; it stays in memory where the disk does not take it."""
        with self._disk:
            with self._changed:
                if self._since is None and not is_last:
                    return
                held = [] if self._is_on_disk else list(self._in_hand)
                moved = [named(one) for one in self._waiting]
                self._waiting.clear()
            try:
                if held or moved:
                    self._open_spool().add([*held, *moved])
                self._is_on_disk = True
            except OSError as error:
                _log.warning("visits wait in memory only", count=len(moved), reason=type(error).__name__)
                with self._changed:
                    self._waiting.extendleft(reversed(moved))

    def _open_spool(self) -> VisitSpool:
        if self._spool is None:
            self._spool = VisitSpool(self._place())
        return self._spool

    def _place(self) -> Path:
        return self._folder or settings().visits_dir


def _try_all(keep: Store, visits: Sequence[Seen]) -> bool:
    return all(_try(keep, visits[first:first + _AT_ONCE]) for first in range(0, len(visits), _AT_ONCE))


def _try(keep: Store, batch: Sequence[Seen]) -> bool:
    """False while the database is away. A visit that it refuses is left out, the others of its batch are not."""
    try:
        keep(batch)
    except SQLAlchemyError as error:
        if _is_away(error):
            _log.warning("visits wait for the database", count=len(batch), reason=type(error).__name__)
            return False
        if len(batch) > 1:
            return all(_try(keep, [one]) for one in batch)
        _log.warning("a visit could not be kept", reason=type(error).__name__)
    return True


def _is_away(error: SQLAlchemyError) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and type(error).__name__ in ("OperationalError", "InterfaceError")


visit_log = VisitLog()
