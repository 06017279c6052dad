"""Sending what is due: claim, gate, render, commit, hand over, record; one slice is sent while the next is prepared.

No transaction is open while the outside is spoken to. What a process had in hand when it died is settled from its
journal by `campaigns.sweeps`.
"""

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from campaigns import caps, outbox
from campaigns.channels.base import Carrier, OpenCarrier, Outcome, Outgoing, Result
from campaigns.channels.email import open_carrier
from campaigns.channels.fleet import Fleet
from campaigns.channels.registry import CARRIED, PLACED
from campaigns.collecting import rare_collections
from campaigns.commits import in_transaction
from campaigns.facts import DueDelivery
from campaigns.journal import Journal
from campaigns.outbox import ClaimedBatch
from campaigns.pace import Pace
from campaigns.preparing import Ready, ReadyBatch, prepare, put_off
from campaigns.recording import PLACED as BY_HAND
from campaigns.recording import postpone, record_outcomes
from campaigns.room import has_room
from campaigns.sending import allowances, breaker
from campaigns.sending.routes import Route
from campaigns.states import Channel
from campaigns.verdict import Verdict
from campaigns.watch import Watch
from core import clock
from core.db import reading
from core.jobs import stopping
from core.logs import logger
from core.settings import settings

DRAIN_SECONDS = 20.0
STOP_GRACE_SECONDS = 5.0
WAIT_FOR_SECOND = 0.1
_log = logger(__name__)


@dataclass(frozen=True)
class DrainOptions:
    """How long to go on claiming, how long a lease lasts, and which carrier sends instead of the sender's own."""

    seconds: float = DRAIN_SECONDS
    lease_seconds: float = outbox.LEASE_SECONDS
    stop_grace: float = STOP_GRACE_SECONDS
    open_carrier: OpenCarrier | None = None


@dataclass
class DrainReport:
    """What one drain did, by result; `has_more`: it got on and deliveries were still due when it ended."""

    results: dict[Result, int] = field(default_factory=dict)
    batches: int = 0
    has_more: bool = False
    is_stuck: bool = False


def drain(*, worker: str = "", options: DrainOptions | None = None) -> DrainReport:
    """Send what is due until nothing is, or the time is over, or the process is asked to stop.

    Whatever happens, every delivery that was claimed is recorded, given back, or left to the sweep with its journal.
    """
    journal = Journal(settings().journal_dir)
    chosen = options or DrainOptions()
    name = worker or f"{socket.gethostname()}:{os.getpid()}"
    is_settled = False
    try:
        with rare_collections(), Watch(lease_seconds=chosen.lease_seconds) as watch:
            dispatcher = Dispatcher(journal, watch, worker=name, options=chosen)
            try:
                report = dispatcher.run()
            finally:
                is_settled = dispatcher.finish()
    finally:
        journal.close(keep=not is_settled)
    with reading() as session:
        report.has_more = report.batches > 0 and not report.is_stuck and outbox.count_due(session) > 0
    return report


@dataclass(frozen=True, slots=True)
class Begun:
    """What a hand-over commit let through, and what it already settled. The rest of the slice is no longer ours."""

    to_send: set[int]
    done: set[int]


class Dispatcher:
    """One drain of one process: what it has claimed, what is ready, what is on the wire."""

    def __init__(self, journal: Journal, watch: Watch, *, worker: str, options: DrainOptions) -> None:
        self._journal, self._watch, self._worker, self._options = journal, watch, worker, options
        self._ends_at = time.monotonic() + options.seconds
        self._fleet = Fleet(self._open_route)
        self._ready: ReadyBatch | None = None
        self._open: dict[int, set[int]] = {}
        self._unrecorded: list[Outcome] = []
        self._pace = Pace()
        self._report = DrainReport()

    def run(self) -> DrainReport:
        while not self._is_over():
            if self._ready is None:
                self._ready = self._prepare_next()
            if self._ready is None and not self._in_hand():
                break
            self._wait_for_room(until_answered=self._ready is None)
            if self._ready is not None:
                self._hand_over(self._ready)
        while self._in_hand() and not stopping():
            self._collect(0.2)
        return self._report

    def finish(self) -> bool:
        """Stop sending, record what is known, give back what was not begun. True when every claim of ours is closed."""
        self._fleet.close(self._options.stop_grace)
        with suppress(SQLAlchemyError):
            self._collect(0.0)
            for batch_id in list(self._open):
                in_transaction(partial(outbox.give_back, fence=batch_id))
                self._forget(batch_id)
        return not self._open and not self._unrecorded

    def _is_over(self) -> bool:
        if stopping() or self._watch.is_paused or not has_room() or not self._journal.has_room():
            return True
        return time.monotonic() >= self._ends_at and not self._fleet.in_slow_lane()

    def _in_hand(self) -> int:
        return self._fleet.in_hand() + self._fleet.in_slow_lane()

    # preparing

    def _prepare_next(self) -> ReadyBatch | None:
        """Claim, judge and render until something is ready to be handed over; None when nothing is due."""
        while not self._is_over():
            since = clock.host_lease_clock()
            batch = in_transaction(self._claim)
            if batch is None:
                return None
            self._report.batches += 1
            self._open[batch.id] = {row.due.id for row in batch.rows}
            self._watch.hold(batch.id, batch.run_id, since=since)
            made = self._prepare(batch)
            self._open[batch.id] = {one.due.id for one in made.ready} if made else set()
            self._close_if_done(batch.id)
            if made and made.ready:
                return made
        return None

    def _prepare(self, batch: ClaimedBatch) -> ReadyBatch | None:
        try:
            made = prepare(batch, epoch=self._watch.look())
            self._journal.prepared(batch.fence)
            return made
        except SQLAlchemyError:
            raise
        except Exception as error:  # one broken campaign must not stop the others: its batch waits and says why
            _log.exception("batch could not be prepared", run=batch.run_id, batch=batch.id)
            why = type(error).__name__
            in_transaction(lambda session: put_off(session, batch, why=why))
            return None

    def _claim(self, session: Session) -> ClaimedBatch | None:
        return outbox.claim_batch(session, worker=self._worker, journal=self._journal.name, limit=self._pace.batch_size,
                                  lease_seconds=self._options.lease_seconds)

    # handing over

    def _wait_for_room(self, *, until_answered: bool) -> None:
        """Record what comes in until few enough messages are on the wire for the next slice to follow without a gap."""
        low_water = 0 if until_answered else self._pace.slice_size // 4
        self._collect(0.0)
        while self._fleet.in_hand() > low_water and not stopping():
            self._collect(0.25)
        if until_answered and self._in_hand():
            self._collect(0.5)

    def _hand_over(self, made: ReadyBatch) -> None:
        if not has_room():  # its outcome could not be stored: the batch is given back when the drain ends
            self._ends_at, self._report.is_stuck = 0.0, True
            return
        route, size = _way_of(made), min(self._pace.slice_size, len(made.ready))
        if route.per_second:
            size = in_transaction(lambda session: allowances.take_second(session, route, size))
        if not size:
            self._collect(WAIT_FOR_SECOND)
            return
        chosen = [made.ready.popleft() for _ in range(size)]
        if not made.ready:
            self._ready = None
        try:
            held = in_transaction(lambda session: self._begin(session, made, chosen))
        except SQLAlchemyError:
            # T5 could not be committed: the drain ends and gives the batch back, it is never left to its lease
            self._ready, self._ends_at, self._report.is_stuck = None, 0.0, True
            _log.exception("hand-over could not be committed", batch=made.batch.id)
            return
        made.unlogged = None
        still_open = self._open.get(made.batch.id, set())
        still_open -= held.done
        messages = [one.outgoing for one in chosen if one.due.id in held.to_send and one.outgoing is not None]
        if messages:
            self._fleet.hand_over(_way_of(made), messages)
            self._pace.handed(len(messages))
        self._close_if_done(made.batch.id)

    def _begin(self, session: Session, made: ReadyBatch, chosen: list[Ready]) -> Begun:
        """T5: fence, lease and run checked, caps taken; what is placed here is sent with the commit."""
        held = outbox.begin_hand_over(session, made.batch, [one.prepared for one in chosen])
        made.log_decisions(session)
        dues = [one.due for one in chosen if one.due.id in held and one.due.channel not in CARRIED]
        refused = caps.take_caps(session, dues, run=made.run, policy=made.policy, at=clock.now())
        refused |= self._refuse_for_day(session, made, [due for due in dues if due.id not in refused])
        if refused:
            postpone(session, fence=made.batch.fence, verdicts=refused)
        let_through = held - set(refused)
        requests = [one.request for one in chosen if one.due.id in let_through and one.request is not None]
        if requests:
            PLACED[made.batch.channel].place(session, requests)
            placed = [Outcome(one.delivery_id, made.batch.fence, Result.SENT, BY_HAND, None, "placed", clock.now())
                      for one in requests]
            record_outcomes(session, placed, worker=self._worker)
        done = set(refused) | {one.delivery_id for one in requests}
        return Begun(to_send=held - done, done=done)

    def _refuse_for_day(self, session: Session, made: ReadyBatch, dues: list[DueDelivery]) -> dict[int, Verdict]:
        """Deferrals of what the sender may not send any more today, or not now; its caps are given back."""
        route, at = made.batch.route, clock.now()
        if made.batch.channel != Channel.EMAIL:
            return {}
        if pause := breaker.find_pause(session, route.health_id, at):
            refused = dict.fromkeys((due.id for due in dues), pause)
        else:
            refused = allowances.take_day(session, dues, route=route, batch_id=made.batch.id, at=at,
                                          rivals=made.rivals)
        if refused:
            caps.release_caps(session, refused)
        return refused

    def _open_route(self, route: Route) -> Carrier:
        if route.kind in CARRIED:
            return CARRIED[route.kind].open_carrier(self._journal, self._may_begin)
        if self._options.open_carrier is not None:
            return self._options.open_carrier(self._journal, self._may_begin)
        return open_carrier(self._journal, self._may_begin, route=route)

    def _may_begin(self, message: Outgoing) -> bool:
        return self._journal.has_room() and self._watch.may_begin(message)

    # recording

    def _collect(self, wait: float) -> None:
        """Take in what became known and record it in one commit."""
        self._unrecorded += self._fleet.outcomes(wait)
        for health_id, fared in self._fleet.openings().items():
            in_transaction(partial(breaker.note_openings, health_id=health_id, openings=fared))
        if not self._unrecorded:
            return
        told = self._unrecorded
        left = {fence: self._open[fence] - {one.delivery_id for one in told if one.fence == fence}
                for fence in {one.fence for one in told} if fence in self._open}
        done = [fence for fence, ids in left.items() if not ids]
        in_transaction(lambda session: self._record(session, told, done))
        self._unrecorded = []
        self._open.update(left)
        for fence in done:
            self._forget(fence)
        self._pace.answered(len(told))
        for one in told:
            self._report.results[one.result] = self._report.results.get(one.result, 0) + 1

    def _record(self, session: Session, told: list[Outcome], done: list[int]) -> None:
        record_outcomes(session, told, worker=self._worker)
        if done:
            outbox.close_batches(session, done)

    def _close_if_done(self, batch_id: int) -> None:
        if batch_id in self._open and not self._open[batch_id]:
            in_transaction(lambda session: outbox.close_batches(session, [batch_id]))
            self._forget(batch_id)

    def _forget(self, batch_id: int) -> None:
        self._open.pop(batch_id, None)
        self._watch.let_go(batch_id)


def _way_of(made: ReadyBatch) -> Route:
    """A channel with a carrier of its own has one way out for all senders."""
    channel = made.batch.channel
    return Route(identity_id=-1, kind=channel) if channel in CARRIED else made.batch.route
