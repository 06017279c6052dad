"""E-mail to a relay: one thread drives all connections of this process, so that a slow server holds up nobody else."""

import selectors
import socket
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from campaigns.channels.base import HandOverJournal, MayBegin, Outcome, Outgoing
from campaigns.channels.guard import connect
from campaigns.channels.relay import Relay
from campaigns.channels.smtp_desk import Desk
from campaigns.channels.smtp_dialogue import Dialogue, Limits, Unopened
from campaigns.channels.smtp_line import Line, Lost
from campaigns.channels.smtp_replies import BadReply, Reply
from campaigns.sending.circuit import Opening
from core.logs import logger

MAX_SLOW_FACTOR = 4
_REOPEN_SECONDS = 1.0
_log = logger(__name__)


@dataclass(eq=False)
class _Connection:
    dialogue: Dialogue
    steps: Generator[None, None, None]
    watched: socket.socket | None = None
    events: int = 0
    is_counted: bool = False


class SmtpCarrier:
    """Hands messages to a relay over kept connections. See `base.Carrier` for what a caller may rely on."""

    def __init__(self, relay: Relay, journal: HandOverJournal, may_begin: MayBegin,
                 limits: Limits | None = None) -> None:
        self._relay, self._journal, self._limits = relay, journal, limits or Limits()
        self._desk = Desk(may_begin, put_backs=self._limits.put_backs)
        self._connections: list[_Connection] = []
        self._opening = 0
        self._opened: list[socket.socket | OSError] = []
        self._openings: SimpleQueue[Opening] = SimpleQueue()
        self._not_before = 0.0
        self._is_ending = False
        self._drops_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._drive, name="smtp", daemon=True)
        self._thread.start()

    # for the dispatcher

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        self._desk.low_water = max(len(messages) // 4, 1)
        self._desk.give(messages)
        self._wake()

    def outcomes(self, wait: float) -> list[Outcome]:
        return self._desk.outcomes(wait)

    def in_hand(self) -> int:
        return max(self._desk.unanswered - self.in_slow_lane(), 0)

    def in_slow_lane(self) -> int:
        return sum(1 for one in tuple(self._connections) if one.dialogue.is_slow)

    def openings(self) -> list[Opening]:
        found: list[Opening] = []
        with suppress(Empty):
            while True:
                found.append(self._openings.get_nowait())
        return found

    def withdraw(self) -> None:
        self._desk.is_withdrawn = True
        self._wake()

    def close(self, grace: float) -> None:
        self._desk.is_withdrawn = True
        self._drops_at = time.monotonic() + grace
        self._is_ending = True
        self._wake()
        self._thread.join()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    # in the thread

    def _wake(self) -> None:
        with suppress(OSError):
            self._bell.send(b".")

    def _drive(self) -> None:
        while True:
            if self._desk.is_withdrawn:
                self._desk.return_all()
            self._open_more()
            self._serve()
            self._give_up_overdue()
            if self._is_ending and (not self._connections or self._is_past_grace()):
                break
        for one in list(self._connections):
            self._end(one, "the process was told to stop")
        self._desk.return_all()
        for made in self._opened:
            if isinstance(made, socket.socket):
                made.close()

    def _is_past_grace(self) -> bool:
        return self._drops_at is not None and time.monotonic() >= self._drops_at

    def _serve(self) -> None:
        for one in list(self._connections):
            if one.dialogue.is_idle:
                one.dialogue.is_ending = self._is_ending
                if self._desk.waiting or self._is_ending:
                    self._advance(one, b"")
        for key, events in self._selector.select(self._patience()):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._ear.recv(4096)
                self._take_opened()
            else:
                self._on_event(key.data, events)

    def _patience(self) -> float:
        """Seconds until something is due by the clock."""
        deadlines = [one.dialogue.line.deadline for one in self._connections if one.dialogue.line.deadline is not None]
        soonest = min(deadlines, default=time.monotonic() + 1.0)
        if self._drops_at is not None:
            soonest = min(soonest, self._drops_at)
        return min(max(soonest - time.monotonic(), 0.0), 0.5)

    def _on_event(self, one: _Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                one.dialogue.line.flush()
            arrived = one.dialogue.line.receive() if events & selectors.EVENT_READ else b""
            while one.dialogue.line.has_pending:
                arrived += one.dialogue.line.receive()
        except Lost as error:
            self._end(one, str(error))
            return
        self._advance(one, arrived)

    def _advance(self, one: _Connection, arrived: bytes) -> None:
        """Let the conversation go on with what arrived, then send what it wrote."""
        try:
            if arrived:
                one.dialogue.replies.feed(arrived)
            try:
                next(one.steps)
            finally:
                one.dialogue.write_journal()
            if one.dialogue.is_open and not one.is_counted:
                one.is_counted = True
                self._openings.put(Opening(True))
            one.dialogue.line.flush()
            self._watch(one)
        except StopIteration:
            self._end(one, "finished")
        except Unopened as error:
            self._end(one, str(error), error)
        except (Lost, BadReply) as error:
            self._end(one, str(error))

    def _watch(self, one: _Connection) -> None:
        line = one.dialogue.line
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        if one.watched is line.socket and one.events == events:
            return
        if one.watched is not None and one.watched is not line.socket:
            self._selector.unregister(line.socket)  # TLS wraps the same descriptor
        if one.watched is line.socket:
            self._selector.modify(line.socket, events, one)
        else:
            self._selector.register(line.socket, events, one)
        one.watched, one.events = line.socket, events

    def _end(self, one: _Connection, why: str, unopened: Unopened | None = None) -> None:
        """Close a connection; an overdue or failed QUIT is no failure of any message."""
        if one in self._connections:
            self._connections.remove(one)
        if one.watched is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(one.dialogue.line.socket)
        with suppress(Lost):
            if why == "finished":
                one.dialogue.line.flush()
        one.dialogue.line.close()
        one.dialogue.abandon(why)
        if not one.dialogue.is_open and not self._is_ending:
            self._cannot_open(unopened or Unopened(one.dialogue.phase, Reply(0, why)))

    def _give_up_overdue(self) -> None:
        moment = time.monotonic()
        for one in list(self._connections):
            if _is_overdue(one, moment):
                self._advance(one, b"")  # it may know a later limit, as when the dot was flushed
                if one in self._connections and _is_overdue(one, moment):
                    self._end(one, "the server took too long")

    # opening

    def _open_more(self) -> None:
        if self._is_ending or not self._desk.waiting or time.monotonic() < self._not_before:
            return
        quick = sum(1 for one in self._connections if not one.dialogue.is_slow) + self._opening
        room = self._relay.connections * MAX_SLOW_FACTOR - len(self._connections) - self._opening
        for _ in range(min(self._relay.connections - quick, room, self._desk.waiting)):
            self._opening += 1
            threading.Thread(target=self._connect, name="smtp-connect", daemon=True).start()

    def _connect(self) -> None:
        """Look the relay up and connect, in a thread of its own: a slow name server must not hold up sending."""
        made: socket.socket | OSError
        try:
            made = connect(self._relay.host, self._relay.port, timeout=self._limits.opening,
                           is_guarded=self._relay.is_guarded)
        except OSError as error:
            made = error
        self._opened.append(made)
        self._wake()

    def _take_opened(self) -> None:
        while self._opened:
            made = self._opened.pop()
            self._opening -= 1
            if isinstance(made, OSError):
                self._cannot_open(Unopened("connect", Reply(0, made.strerror or type(made).__name__)))
                continue
            dialogue = Dialogue(Line(made), self._desk, self._journal, relay=self._relay, limits=self._limits)
            one = _Connection(dialogue, dialogue.run())
            self._connections.append(one)
            self._advance(one, b"")

    def _cannot_open(self, failure: Unopened) -> None:
        """With no connection left, what waits is deferred; otherwise the others go on and a new one is tried later."""
        self._not_before = time.monotonic() + _REOPEN_SECONDS
        self._openings.put(Opening(False, failure.phase, failure.reply.code or None, failure.reply.text))
        _log.warning("relay cannot be used", reason=str(failure))
        if not self._connections and not self._opening:
            self._desk.defer_all(failure.phase, failure.reply)
            self._not_before = 0.0


def _is_overdue(one: _Connection, moment: float) -> bool:
    deadline = one.dialogue.line.deadline
    return deadline is not None and deadline <= moment


