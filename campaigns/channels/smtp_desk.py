"""The messages that one process has in hand: shared by its SMTP connections and the dispatcher."""

import threading
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from campaigns.channels.base import MayBegin, Outcome, Outgoing, Result
from campaigns.channels.smtp_replies import Reply
from core import clock


class Desk:
    """Gives out messages in order and collects one outcome for each. Safe to use from two threads."""

    def __init__(self, may_begin: MayBegin, *, put_backs: int) -> None:
        self.may_begin = may_begin
        self._put_backs = put_backs
        self._waiting: deque[Outgoing] = deque()
        self._was_put_back: dict[int, int] = {}
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._given = self._told = 0
        self._news = threading.Event()
        self.is_withdrawn = False
        self.low_water = 0

    def give(self, messages: Sequence[Outgoing]) -> None:
        self._given += len(messages)
        self._waiting.extend(messages)

    def take(self) -> Outgoing | None:
        """The next message that may still be sent; one that may not comes back as RETURNED."""
        while self._waiting:
            message = self._waiting.popleft()
            if not self.is_withdrawn and self.may_begin(message):
                return message
            self.tell(message, Result.RETURNED, "mail", Reply(0, "stopped before it was begun"))
        return None

    def put_back(self, message: Outgoing, why: str) -> None:
        """Nothing of it was handed over: another connection may try, a few times."""
        times = self._was_put_back.get(message.delivery_id, 0)
        if times >= self._put_backs:
            self.tell(message, Result.DEFERRED, "mail", Reply(0, why))
            return
        self._was_put_back[message.delivery_id] = times + 1
        self._waiting.appendleft(message)

    def tell(self, message: Outgoing, result: Result, phase: str, reply: Reply) -> None:
        self._was_put_back.pop(message.delivery_id, None)
        self._outcomes.put(Outcome(message.delivery_id, message.fence, result, phase, reply.code or None, reply.text,
                                   clock.now()))
        self._told += 1
        if self._given - self._told <= self.low_water:
            self._news.set()

    def defer_all(self, phase: str, reply: Reply) -> None:
        """No connection can be opened: everything that waits is tried again later."""
        while (message := self.take()) is not None:
            self.tell(message, Result.DEFERRED, phase, reply)

    def return_all(self) -> None:
        self.is_withdrawn = True
        self.take()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def unanswered(self) -> int:
        return self._given - self._told

    def outcomes(self, wait: float) -> list[Outcome]:
        """All that became known, after at most `wait` seconds: earlier once few messages are left in hand, and then at
        the first answer. Without an answer it waits, however few they are: whoever sends one message asks once."""
        if wait and self.unanswered and (self.unanswered > self.low_water or self._outcomes.empty()):
            self._news.wait(wait)
        self._news.clear()
        found: list[Outcome] = []
        while True:
            try:
                found.append(self._outcomes.get_nowait())
            except Empty:
                return found
