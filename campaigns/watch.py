"""What a sending process keeps an eye on: its leases and everything that forbids the next message.

A thread renews the leases every 5 s and looks for stops twice a second. `may_begin` answers from memory, so it can be
asked before each message.
"""

import threading
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from campaigns import outbox, stops
from campaigns.channels.base import Outgoing
from campaigns.models import Run
from campaigns.outside import outside
from campaigns.states import RunState
from core import clock
from core.db import reading, transaction
from core.jobs import stopping
from core.logs import logger

RENEW_SECONDS = 5.0
LOOK_SECONDS = 0.5
STALE_SECONDS = 2.0
_SAFETY_SECONDS = 0.5
_log = logger(__name__)


class Watch:
    """Use as a context manager around everything that claims and sends."""

    def __init__(self, *, lease_seconds: float = outbox.LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self.epoch = 0
        self.is_paused = False
        self._held_until: dict[int, float] = {}
        self._runs: dict[int, int] = {}
        self._stopped_runs: frozenset[int] = frozenset()
        self._seen_at = self._renewed_at = clock.host_lease_clock()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ends.set()
        self._thread.join()

    def hold(self, batch_id: int, run_id: int, *, since: float) -> None:
        """Keep the lease of a batch that was claimed at `since` (host's lease clock)."""
        self._held_until[batch_id] = since + self.lease_seconds - _SAFETY_SECONDS
        self._runs[batch_id] = run_id

    def let_go(self, batch_id: int) -> None:
        self._held_until.pop(batch_id, None)
        self._runs.pop(batch_id, None)

    def may_begin(self, message: Outgoing) -> bool:
        """Whether this message may still be handed over: lease held, run active, no stop since it was judged."""
        moment = clock.host_lease_clock()
        return (moment < self._held_until.get(message.fence, 0.0) and moment - self._seen_at < STALE_SECONDS
                and message.epoch >= self.epoch and not self.is_paused and message.run_id not in self._stopped_runs
                and not stopping())

    def look(self) -> int:
        """Read the stop epoch, pauses and the runs' states now; the epoch."""
        before = clock.host_lease_clock()
        runs = set(self._runs.values())
        with reading() as session:
            epoch = stops.current(session)
            self.is_paused = outside().company.policy(session).is_sending_paused
            active = set(session.scalars(select(Run.id).where(Run.id.in_(runs), Run.state == RunState.ACTIVE)))
        self._stopped_runs = frozenset(runs - active)
        self.epoch, self._seen_at = epoch, before
        return epoch

    def _keep_looking(self) -> None:
        while not self._ends.wait(LOOK_SECONDS):
            try:
                self.look()
                if clock.host_lease_clock() - self._renewed_at >= min(RENEW_SECONDS, self.lease_seconds / 4):
                    self._renew()
            except SQLAlchemyError as error:
                # the database is away: what was seen grows stale and the leases run out, so nothing more is begun
                _log.warning("cannot look for stops", reason=type(error).__name__)

    def _renew(self) -> None:
        before = clock.host_lease_clock()
        held = list(self._held_until)
        if held:
            with transaction() as session:
                ours = outbox.renew_leases(session, batch_ids=held, seconds=self.lease_seconds)
            until = before + self.lease_seconds - _SAFETY_SECONDS
            for batch_id in held:
                if batch_id in self._held_until:
                    self._held_until[batch_id] = until if batch_id in ours else 0.0
        self._renewed_at = before
