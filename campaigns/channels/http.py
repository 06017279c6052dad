"""E-mail through a provider over HTTP: a few threads, each with a kept connection.

The same key and the same bytes are sent again while nobody knows whether a message was taken; what stays unknown when
the time for that is over is UNKNOWN, and only what certainly was not taken is deferred or refused.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from campaigns.channels.base import HandOverJournal, MayBegin, Outcome, Outgoing, Result
from campaigns.channels.guard import connect
from campaigns.channels.providers import (
    MOST_BYTES,
    Answered,
    Meaning,
    body_of,
    idempotency_key,
    judge,
    target_of,
)
from campaigns.channels.smtp_desk import Desk
from campaigns.channels.smtp_line import verified_context
from campaigns.channels.smtp_replies import Reply
from campaigns.sending.circuit import NO_ANSWER, Opening
from campaigns.sending.routes import Route

_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Seconds: one `request` by the wall clock, asking again while in `doubt`, waiting while the provider is `busy`."""

    request: float = 30.0
    doubt: float = 60.0
    busy: float = 20.0


class NotSent(Exception):
    """The request did not leave: the provider knows nothing of it."""


class Connection:
    """One kept connection. Each request has a time limit that a dripping server cannot stretch."""

    def __init__(self, route: Route, limits: HttpLimits) -> None:
        parts = urlsplit(route.base_url)
        self._route, self._limits, self._host = route, limits, parts.hostname or ""
        self._is_tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._http: http.client.HTTPConnection | None = None

    def ask(self, message: Outgoing, body: bytes) -> Answered:
        """Raises NotSent when nothing left; a failure after that is ASK_AGAIN."""
        kept = self._http
        opened = kept or self._open()
        watchdog = threading.Timer(self._limits.request, _cut, args=(opened,))
        watchdog.start()
        try:
            opened.request("POST", target_of(self._route.kind, self._route.base_url), body, self._headers(message))
            answer = opened.getresponse()
            found = judge(answer.status, {name.lower(): value for name, value in answer.getheaders()},
                          answer.read(MOST_BYTES))
            if answer.read(1):
                self.close()  # more than anybody needs to say: the rest is not waited for
            return found
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answered(Meaning.ASK_AGAIN, 0, f"no answer ({type(error).__name__})")
        finally:
            watchdog.cancel()

    def _headers(self, message: Outgoing) -> dict[str, str]:
        return {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity",
                "Authorization": f"Bearer {self._route.secret}", "User-Agent": "abm-orchestrator",
                "Idempotency-Key": idempotency_key(message.delivery_id)}

    def _open(self) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection(self._host, self._port)
        try:
            raw = connect(self._host, self._port, timeout=min(self._limits.request, 10.0), is_guarded=True)
            raw.settimeout(self._limits.request)
            made.sock = verified_context().wrap_socket(raw, server_hostname=self._host) if self._is_tls else raw
        except (OSError, ssl.SSLError) as error:
            raise NotSent(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
        self._http = made
        return made

    def cut(self) -> None:
        """From another thread: whoever waits for an answer waits no more."""
        if self._http is not None:
            _cut(self._http)

    @property
    def is_open(self) -> bool:
        return self._http is not None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
        self._http = None


def _cut(opened: http.client.HTTPConnection) -> None:
    with suppress(OSError):
        if opened.sock is not None:
            opened.sock.shutdown(2)


class HttpCarrier:
    """Hands messages to a provider. See `base.Carrier` for what a caller may rely on."""

    def __init__(self, route: Route, journal: HandOverJournal, may_begin: MayBegin,
                 limits: HttpLimits | None = None) -> None:
        self._route, self._journal, self._limits = route, journal, limits or HttpLimits()
        self._desk = Desk(may_begin, put_backs=0)
        self._openings: SimpleQueue[Opening] = SimpleQueue()
        self._work = threading.Semaphore(0)
        self._taking = threading.Lock()
        self._ends = threading.Event()
        self._stops = threading.Event()
        self._shut_until = 0.0
        self._threads: list[threading.Thread] = []
        self._connections: list[Connection] = []

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        self._desk.low_water = max(len(messages) // 4, 1)
        self._desk.give(messages)
        for _ in range(min(self._route.connections, len(messages)) - len(self._threads)):
            thread = threading.Thread(target=self._serve, name="provider", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.release(len(messages))

    def outcomes(self, wait: float) -> list[Outcome]:
        return self._desk.outcomes(wait)

    def in_hand(self) -> int:
        return self._desk.unanswered

    def in_slow_lane(self) -> int:
        return 0

    def openings(self) -> list[Opening]:
        found: list[Opening] = []
        with suppress(Empty):
            while True:
                found.append(self._openings.get_nowait())
        return found

    def withdraw(self) -> None:
        with self._taking:
            self._desk.return_all()

    def close(self, grace: float) -> None:
        self.withdraw()
        self._ends.set()
        self._work.release(len(self._threads))
        ends_at = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(ends_at - time.monotonic(), 0.0))
        self._stops.set()
        for connection in self._connections:
            connection.cut()
        for thread in self._threads:
            thread.join(self._limits.request + 1)

    # in the threads

    def _serve(self) -> None:
        connection = Connection(self._route, self._limits)
        self._connections.append(connection)
        while not self._ends.is_set():
            self._work.acquire()
            with self._taking:
                message = self._desk.take()
            if message is not None and time.monotonic() < self._shut_until:
                self._desk.tell(message, Result.RETURNED, "http", Reply(0, "the provider asked to wait"))
            elif message is not None:
                self._send(message, connection)
        connection.close()

    def _send(self, message: Outgoing, connection: Connection) -> None:
        self._journal.begun(message.delivery_id, message.fence)
        result, answered = self._ask(message, connection)
        if result is Result.SENT:
            self._journal.accepted(message.delivery_id, message.fence, answered.code)
        elif result is not Result.UNKNOWN:
            # the journal speaks SMTP: 5xx is for good, anything else may be tried again
            self._journal.refused(message.delivery_id, message.fence, 554 if result is Result.REFUSED else 0)
        self._desk.tell(message, result, _phase_of(answered), Reply(answered.code, answered.text))

    def _ask(self, message: Outgoing, connection: Connection) -> tuple[Result, Answered]:
        """Ask until somebody knows, or the time for it is over."""
        body, in_doubt, ends_at, tries = body_of(self._route.kind, message), False, time.monotonic(), 0
        while True:
            answered = self._ask_once(message, body, connection)
            if answered.meaning in _FINAL:
                return (Result.UNKNOWN if in_doubt and answered.meaning is not Meaning.TAKEN
                        else _FINAL[answered.meaning]), answered
            is_doubt = answered.meaning is Meaning.ASK_AGAIN
            in_doubt = in_doubt or is_doubt
            pause = max(answered.wait, _PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            limit = self._limits.doubt if in_doubt else self._limits.busy
            if time.monotonic() + pause > ends_at + limit or self._stops.wait(pause):
                self._note_wait(answered)
                if in_doubt:
                    self._note_silence(answered)
                return (Result.UNKNOWN if in_doubt else Result.DEFERRED), answered

    def _note_wait(self, answered: Answered) -> None:
        """To be left alone for longer than a message is held: the others need not ask at all."""
        if answered.wait > self._limits.busy:
            self._openings.put(Opening(False, "http", answered.code, answered.text, answered.wait))
            self._shut_until = time.monotonic() + answered.wait

    def _note_silence(self, answered: Answered) -> None:
        """A message was given up in doubt. While the provider is like that the others would come to the same, each
        after as long: they are not begun."""
        self._openings.put(Opening(False, NO_ANSWER, answered.code or None, answered.text))
        self._shut_until = time.monotonic() + self._limits.doubt

    def _ask_once(self, message: Outgoing, body: bytes, connection: Connection) -> Answered:
        was_open = connection.is_open
        try:
            answered = connection.ask(message, body)
        except NotSent as error:
            self._openings.put(Opening(False, "connect", None, str(error)))
            self._defer_waiting(str(error))
            return Answered(Meaning.NO_ACCESS, 0, f"cannot be reached ({error})")
        if answered.meaning is Meaning.NO_ACCESS:
            self._openings.put(Opening(False, "auth", answered.code, answered.text))
            self._shut_until = time.monotonic() + self._limits.busy  # the next one would hear the same
        elif not was_open and answered.code:
            self._openings.put(Opening(True))
        return answered

    def _defer_waiting(self, why: str) -> None:
        """The provider cannot be reached, and no connection is left: the others would each wait as long to hear that,
        while messages of other senders wait behind them."""
        with self._taking:
            if not any(one.is_open for one in self._connections):
                self._desk.defer_all("connect", Reply(0, f"cannot be reached ({why})"))


def _phase_of(answered: Answered) -> str:
    """As SMTP has them: a provider that cannot be reached or does not accept the key has seen no message."""
    if answered.meaning is not Meaning.NO_ACCESS:
        return "http"
    return "auth" if answered.code else "connect"


_FINAL = {Meaning.TAKEN: Result.SENT, Meaning.REFUSED: Result.REFUSED, Meaning.NO_ACCESS: Result.DEFERRED,
          Meaning.DOUBT: Result.UNKNOWN}
