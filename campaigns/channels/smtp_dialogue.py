"""One SMTP conversation, written as a generator that yields whenever it has to wait for the server.

A pipelined group is: content and final dot of one message, then MAIL, RCPT and DATA of the next. Content never leaves
before its own 354, so at most one message per connection is in doubt at any moment.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from campaigns.channels.base import HandOverJournal, Outgoing, Result
from campaigns.channels.relay import Relay, Tls
from campaigns.channels.smtp_line import Line, Lost
from campaigns.channels.smtp_replies import (
    BadReply,
    Offer,
    Reply,
    ReplyReader,
    auth_plain,
    content,
    envelope,
    in_base64,
    is_sendable,
    read_offer,
)

Waiting = Generator[None, None, None]
_OUR_OWN_FAULT = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds by the wall clock: `opening` until the first MAIL, `step` up to a flushed dot, `answer` after the dot.

    After `slow` seconds of waiting for an answer another connection takes this one's place. A message whose connection
    was closed before it was begun is tried on others, `put_backs` times: some servers take one message a connection.
    """

    opening: float = 60
    step: float = 60
    answer: float = 600
    slow: float = 5
    put_backs: int = 20


class MessageDesk(Protocol):
    """Where a conversation gets its messages from and tells what became of them."""

    def take(self) -> Outgoing | None: ...

    def put_back(self, message: Outgoing, why: str) -> None: ...

    def may_begin(self, message: Outgoing) -> bool: ...

    def tell(self, message: Outgoing, result: Result, phase: str, reply: Reply) -> None: ...


class Unopened(Exception):
    """The conversation did not come to a first MAIL; it says nothing about any message."""

    def __init__(self, phase: str, reply: Reply) -> None:
        super().__init__(f"{phase}: {reply.code} {reply.text}")
        self.phase, self.reply = phase, reply


class Dialogue:
    """Runs over `line` until the server or the desk ends it. `is_slow` while an answer after the dot is overdue."""

    def __init__(self, line: Line, desk: MessageDesk, journal: HandOverJournal, *, relay: Relay,
                 limits: Limits) -> None:
        self.line, self._desk, self._journal, self._relay, self._limits = line, desk, journal, relay, limits
        self.replies = ReplyReader()
        self.is_open = self.is_idle = self.is_ending = False
        self._offer = Offer()
        self._phase = "connect"
        self._is_fresh = True
        self._asked: Outgoing | None = None
        self._begun: Outgoing | None = None
        self._accepted: tuple[int, int, int] | None = None
        self._dot_at = 0
        self._answer_since = 0.0

    @property
    def phase(self) -> str:
        return self._phase

    @property
    def is_slow(self) -> bool:
        return self._begun is not None and time.monotonic() - self._answer_since > self._limits.slow

    def run(self) -> Waiting:
        """Open, then send what the desk has. Raises Unopened, Lost or BadReply; `abandon` tells what they leave."""
        yield from self._open()
        self.is_open = True
        while True:
            first = yield from self._wait_for_message()
            if first is None:
                self.line.write(b"QUIT\r\n")
                return
            following = yield from self._send(first)
            while following is not None:
                following = yield from self._send(following, is_asked=True)

    def write_journal(self) -> None:
        """To be called whenever `run` has stopped: writes what was accepted and not followed by a next message yet.

        When the server answers the dot and the next envelope at once, one write has served both already.
        """
        if self._accepted is not None:
            accepted, self._accepted = self._accepted, None
            self._journal.accepted(*accepted)

    def abandon(self, why: str) -> None:
        """The connection is gone: tell of the message in doubt, and of the one that was only asked for."""
        begun, asked, self._begun, self._asked = self._begun, self._asked, None, None
        if begun is not None and self.line.sent < self._dot_at:
            self._journal.refused(begun.delivery_id, begun.fence, 0)
            self._desk.tell(begun, Result.DEFERRED, "content", Reply(0, why))
        elif begun is not None:
            self._desk.tell(begun, Result.UNKNOWN, "dot", Reply(0, why))
        if asked is not None and (begun is not None or not self._is_fresh):
            self._desk.put_back(asked, why)
        elif asked is not None:
            self._desk.tell(asked, Result.DEFERRED, self._phase, Reply(0, why))

    # opening

    def _open(self) -> Waiting:
        self.line.deadline = time.monotonic() + self._limits.opening
        if self._relay.tls is Tls.IMPLICIT:
            self._phase = "tls"
            yield from self.line.start_tls(self._relay.host)
        yield from self._expect("connect", b"", 220)
        yield from self._greet()
        if self._relay.tls is Tls.STARTTLS:
            yield from self._protect()
        if self._relay.user:
            yield from self._log_in()
        self.line.deadline = None

    def _greet(self) -> Waiting:
        name = self.line.own_name().encode()
        reply = yield from self._ask("ehlo", b"EHLO " + name + b"\r\n")
        if reply.code == 250:
            self._offer = read_offer(reply)
            return
        if reply.code in (500, 502):
            yield from self._expect("helo", b"HELO " + name + b"\r\n", 250)
            return
        raise Unopened("ehlo", reply)

    def _protect(self) -> Waiting:
        if not self._offer.starttls:
            raise Unopened("starttls", Reply(0, "the relay does not offer STARTTLS; nothing is sent in clear"))
        yield from self._expect("starttls", b"STARTTLS\r\n", 220)
        self.replies.forget()
        yield from self.line.start_tls(self._relay.host)
        yield from self._greet()

    def _log_in(self) -> Waiting:
        user, password = self._relay.user, self._relay.password
        if "LOGIN" in self._offer.auth and "PLAIN" not in self._offer.auth:
            yield from self._expect("auth", b"AUTH LOGIN\r\n", 334)
            yield from self._expect("auth", in_base64(user), 334)
            yield from self._expect("auth", in_base64(password), 235)
            return
        yield from self._expect("auth", auth_plain(user, password), 235)

    def _expect(self, phase: str, command: bytes, code: int) -> Waiting:
        reply = yield from self._ask(phase, command)
        if reply.code != code:
            raise Unopened(phase, reply)

    def _ask(self, phase: str, command: bytes) -> Generator[None, None, Reply]:
        self.line.write(command)
        return (yield from self._read(phase))

    def _read(self, phase: str, limit: float | None = None) -> Generator[None, None, Reply]:
        self._phase = phase
        if limit is not None:
            self.line.deadline = time.monotonic() + limit
        while (reply := self.replies.next()) is None:
            yield
        return reply

    # messages

    def _wait_for_message(self) -> Generator[None, None, Outgoing | None]:
        self.line.deadline = None
        while (message := self._desk.take()) is None:
            if self.is_ending:
                return None
            self.is_idle = True
            yield
            self.is_idle = False
            if (unasked := self.replies.next()) is not None:
                raise Lost(f"{unasked.code} {unasked.text}")
        return message

    def _send(self, message: Outgoing, *, is_asked: bool = False) -> Generator[None, None, Outgoing | None]:
        """Send one message; the next one if its envelope went out with this one's content."""
        commands = self._commands(message)
        if commands is None:
            return None
        self._asked = message
        if self._offer.pipelining and not is_asked:
            self.line.write(b"".join(commands))
        if not (yield from self._envelope(message, commands)):
            return None
        return (yield from self._content(message))

    def _commands(self, message: Outgoing) -> tuple[bytes, bytes, bytes] | None:
        """The envelope's commands; None (and the message is refused) when this server cannot be asked to take it."""
        sender, recipient = message.envelope_from, message.envelope_to
        why = ""
        if not is_sendable(recipient) or (sender and not is_sendable(sender)):
            why = "the address cannot stand in an envelope"
        elif not (sender.isascii() and recipient.isascii()) and not self._offer.utf8:
            why = "the relay does not take addresses outside ASCII (SMTPUTF8)"
        elif 0 < self._offer.size < len(message.wire):
            why = f"the message has {len(message.wire)} bytes, the relay takes {self._offer.size}"
        if not why:
            return envelope(sender, recipient)
        self._desk.tell(message, Result.REFUSED, "mail", Reply(0, why))
        return None

    def _envelope(self, message: Outgoing, commands: tuple[bytes, bytes, bytes]) -> Generator[None, None, bool]:
        """True when the server answered 354. An error is told at once, then the transaction is reset."""
        self.line.deadline = time.monotonic() + self._limits.step
        is_refused = False
        for phase, command, good in zip(("mail", "rcpt", "data"), commands, (25, 25, 35), strict=True):
            if not self._offer.pipelining:
                self.line.write(command)
            reply = yield from self._read(phase)
            if is_refused and reply.code == 354:
                raise Lost("the server wants content for a recipient it refused")
            if not is_refused and reply.code // 10 != good:
                is_refused = True
                self._refused(message, phase, reply)
                if not self._offer.pipelining:
                    break
        if is_refused:
            yield from self._ask("rset", b"RSET\r\n")
        return not is_refused

    def _refused(self, message: Outgoing, phase: str, reply: Reply) -> None:
        if reply.code < 400:
            raise BadReply(f"{reply.code} is no answer to {phase}")
        if reply.code == 421:
            if self._is_fresh:
                self._asked = None
                self._desk.tell(message, Result.DEFERRED, phase, reply)
            raise Lost(f"421 {reply.text}")
        self._asked = None
        is_final = reply.is_permanent and reply.code not in _OUR_OWN_FAULT
        self._desk.tell(message, Result.REFUSED if is_final else Result.DEFERRED, phase, reply)

    def _content(self, message: Outgoing) -> Generator[None, None, Outgoing | None]:
        if not self._desk.may_begin(message):
            self._asked = None
            self._desk.tell(message, Result.RETURNED, "data", Reply(0, "stopped"))
            raise Lost("stopped after 354; closed without a dot")
        body = self._body(message)
        self._asked = None
        accepted, self._accepted = self._accepted, None
        self._journal.begun(message.delivery_id, message.fence, accepted=accepted)
        self._begun = message
        self.line.write(body)
        self._dot_at = self.line.queued
        self._answer_since = time.monotonic()
        following = self._ask_for_next()
        reply = yield from self._answer()
        self._begun, self._is_fresh = None, False
        self._answered(message, reply)
        return following

    def _body(self, message: Outgoing) -> bytes:
        try:
            return content(message.wire)
        except ValueError as error:
            self._asked = None
            self._desk.tell(message, Result.REFUSED, "content", Reply(0, str(error)))
            raise Lost("nothing to send after 354; closed without a dot") from error

    def _ask_for_next(self) -> Outgoing | None:
        following = self._desk.take() if self._offer.pipelining else None
        commands = self._commands(following) if following is not None else None
        if following is None or commands is None:
            return None
        self._asked = following
        self.line.write(b"".join(commands))
        return following

    def _answer(self) -> Generator[None, None, Reply]:
        """The reply to the dot: `step` seconds until the dot is flushed, `answer` seconds from then on."""
        self._phase = "dot"
        self.line.deadline = time.monotonic() + self._limits.step
        is_flushed = False
        while (reply := self.replies.next()) is None:
            if not is_flushed and self.line.sent >= self._dot_at:
                is_flushed = True
                self.line.deadline = time.monotonic() + self._limits.answer
            yield
        return reply

    def _answered(self, message: Outgoing, reply: Reply) -> None:
        if 200 <= reply.code < 300:
            self._accepted = (message.delivery_id, message.fence, reply.code)
            self._desk.tell(message, Result.SENT, "dot", reply)
        elif reply.code >= 400:
            self._journal.refused(message.delivery_id, message.fence, reply.code)
            self._desk.tell(message, Result.REFUSED if reply.is_permanent else Result.DEFERRED, "dot", reply)
        else:
            self._desk.tell(message, Result.UNKNOWN, "dot", reply)
            raise BadReply(f"{reply.code} is no answer to a message")
        if reply.code == 421:
            raise Lost(f"421 {reply.text}")
