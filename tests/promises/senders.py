"""Sending processes that a test moves by hand: the real dispatcher, watch and journal over a relay that is told what
to answer. One can be killed, frozen, or run on another host, at any point."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path

from campaigns.channels.base import HandOverJournal, MayBegin, Outcome, Outgoing, Result
from campaigns.dispatch import Dispatcher, DrainOptions
from campaigns.journal import Journal
from campaigns.preparing import ReadyBatch
from campaigns.sending.circuit import Opening
from campaigns.watch import Watch
from core import clock

FOREVER = 1e9
Begins = Callable[[Outgoing], None]


class Relay:
    """The truth: what was accepted, how often, by Message-ID; `begins` is called with each message that is begun."""

    def __init__(self, begins: Begins) -> None:
        self.accepted: Counter[str] = Counter()
        self.begins = begins

    def accept(self, message: Outgoing) -> None:
        head = message.wire.split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
        [line] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"message-id:")]
        self.accepted[line.partition(b":")[2].strip().decode()] += 1


class ScriptedCarrier:
    """A carrier with one connection, moved on message by message by `begin_next` and `answer`."""

    def __init__(self, relay: Relay, journal: HandOverJournal, may_begin: MayBegin) -> None:
        self._relay, self._journal, self._may_begin = relay, journal, may_begin
        self._waiting: deque[Outgoing] = deque()
        self._told: list[Outcome] = []
        self.begun: Outgoing | None = None
        self._is_accepted = False

    # moved by the test

    def begin_next(self) -> None:
        message = self._waiting.popleft()
        if not self._may_begin(message):
            self._tell(message, Result.RETURNED, 0)
            return
        self._relay.begins(message)
        self._journal.begun(message.delivery_id, message.fence)
        self.begun, self._is_accepted = message, False

    def take_in_silence(self) -> None:
        """The relay accepts the message; its answer is not here yet."""
        assert self.begun is not None
        if not self._is_accepted:
            self._relay.accept(self.begun)
            self._is_accepted = True

    def answer(self, code: int) -> None:
        """250, a refusal, or 0 for a connection that is lost."""
        assert self.begun is not None
        message, self.begun = self.begun, None
        if code == 250 and not self._is_accepted:
            self._relay.accept(message)
        if self._is_accepted and code not in (0, 250):
            code = 250
        if code == 250:
            self._journal.accepted(message.delivery_id, message.fence)
            self._tell(message, Result.SENT, code)
        elif code:
            self._journal.refused(message.delivery_id, message.fence, code)
            self._tell(message, Result.REFUSED if code >= 500 else Result.DEFERRED, code)
        else:
            self._tell(message, Result.UNKNOWN, code)

    def drop_before_dot(self) -> None:
        assert self.begun is not None
        assert not self._is_accepted
        message, self.begun = self.begun, None
        self._journal.refused(message.delivery_id, message.fence, 0)
        self._tell(message, Result.DEFERRED, 0)

    @property
    def is_accepted(self) -> bool:
        return self._is_accepted

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def _tell(self, message: Outgoing, result: Result, code: int) -> None:
        self._told.append(Outcome(message.delivery_id, message.fence, result, "dot", code or None, "as told",
                                  clock.now()))

    # what a dispatcher asks of it

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        self._waiting.extend(messages)

    def outcomes(self, wait: float) -> list[Outcome]:
        told, self._told = self._told, []
        return told

    def in_hand(self) -> int:
        return len(self._waiting) + (self.begun is not None)

    def in_slow_lane(self) -> int:
        return 0

    def openings(self) -> list[Opening]:
        return []

    def withdraw(self) -> None:
        while self._waiting:
            self._tell(self._waiting.popleft(), Result.RETURNED, 0)

    def close(self, grace: float) -> None:
        self.withdraw()
        if self.begun is not None:
            self.answer(0)


class HandMovedSender:
    """One sending process. `folder`: its journals; one that the product does not know makes it another host's."""

    def __init__(self, relay: Relay, folder: Path, *, name: str) -> None:
        self.journal, self.watch = Journal(folder), Watch()
        self.carrier: ScriptedCarrier | None = None
        self.ready: ReadyBatch | None = None
        self.name = name

        def open_carrier(journal: HandOverJournal, may_begin: MayBegin) -> ScriptedCarrier:
            self.carrier = ScriptedCarrier(relay, journal, may_begin)
            return self.carrier

        self.dispatcher = Dispatcher(self.journal, self.watch, worker=name,
                                     options=DrainOptions(seconds=FOREVER, open_carrier=open_carrier))

    def look(self) -> None:
        self.watch.look()

    def renew(self) -> None:
        self.watch._renew()

    def prepare(self) -> None:
        """Claim, judge and render, as far as the hand-over commit."""
        self.ready = self.dispatcher._ready = self.dispatcher._prepare_next()

    def commit(self) -> None:
        """The hand-over commit of what is ready (T5)."""
        assert self.ready is not None
        self.dispatcher._hand_over(self.ready)
        self.ready = self.dispatcher._ready

    def record(self) -> None:
        self.dispatcher._collect(0.0)

    def end(self) -> None:
        """A clean end: what is known is recorded, the rest given back."""
        is_settled = self.dispatcher.finish()
        self.journal.close(keep=not is_settled)

    def die(self) -> None:
        self.journal.close(keep=True)

    @property
    def begun(self) -> Outgoing | None:
        return self.carrier.begun if self.carrier else None
