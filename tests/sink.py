"""A real SMTP server on loopback for tests and benchmarks: it logs the Message-ID of everything it accepts.

`Script` says how a verb is answered: a reply, `drop` (close), `reset` (close with an error), `hang` (say nothing),
`drip` (byte after byte without end) or `slow accept` (the good answer, byte by byte). `content`: a message's beginning.
Also a process of its own: `python -m tests.sink --log FILE [--delay SECONDS]` prints its port and serves until killed.
"""

import argparse
import asyncio
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(?:\r\n[ \t]+)?(\S+)", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"


@dataclass
class Script:
    """Answers per verb (connect, ehlo, mail, rcpt, data, content, dot, rset, quit); `skip`: how often all is well
    before; `times`: how often then, after which all is well; `close_after`: so many messages, `close_idle_after`: so
    many seconds; `window`: how many bytes the system takes for the sink before it reads them (0: as it likes)."""

    answers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000_000
    skip: int = 0
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME")
    delay: float = 0.0
    close_after: int = 0
    close_idle_after: float = 0.0
    window: int = 0


@dataclass
class Record:
    """What one sink saw: accepted Message-IDs in order, the bytes of the messages, verbs, connections."""

    accepted: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    early_content: int = 0
    connections: int = 0


class _Session(asyncio.Protocol):
    def __init__(self, sink: "Sink") -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.in_data = False
        self.accepted = 0
        self.is_silent = self.is_new_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.sink.script.window:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.sink.script.window)
        self.sink.record.connections += 1
        self.sink.sessions.add(self)
        self._answer("connect", b"220 sink ESMTP\r\n")

    def connection_lost(self, error: Exception | None) -> None:
        self.sink.sessions.discard(self)

    def data_received(self, arrived: bytes) -> None:
        self.buffer += arrived
        replies: list[bytes] = []
        while not self.is_silent and not self.transport.is_closing():
            if self.in_data:
                if not self.buffer or (self.is_new_content and self._breaks("content")):
                    break
                self.is_new_content = False
                end = self.buffer.find(_END)
                if end < 0:
                    break
                content = bytes(self.buffer[: end + 2])
                del self.buffer[: end + 5]
                self.in_data = False
                self._content(content, replies)
                continue
            end = self.buffer.find(b"\r\n")
            if end < 0:
                break
            line = bytes(self.buffer[:end])
            del self.buffer[: end + 2]
            self._command(line, replies)
        self._flush(replies)

    def _flush(self, replies: list[bytes]) -> None:
        if replies and not self.transport.is_closing():
            self.transport.write(b"".join(replies))
        replies.clear()

    def _command(self, line: bytes, replies: list[bytes]) -> None:
        verb = line[:4].decode("ascii", "replace").strip().lower()
        if self.sink.keeps:
            self.sink.record.verbs.append(verb)
        if verb == "ehlo":
            offers = [b"sink", *(name.encode() for name in self.sink.script.extensions)]
            good = b"".join(
                b"250%s%s\r\n" % (b" " if n == len(offers) - 1 else b"-", one) for n, one in enumerate(offers)
            )
        elif verb == "data":
            good = b"354 go on\r\n"
        elif verb == "quit":
            good = b"221 bye\r\n"
        elif verb == "auth":
            good = b"235 ok\r\n"
        elif verb in ("mail", "rcpt", "rset", "helo", "noop"):
            good = b"250 ok\r\n"
        else:
            good = b"500 what\r\n"
            self.sink.record.early_content += 1
        self._answer(verb, good, replies)

    def _content(self, content: bytes, replies: list[bytes]) -> None:
        is_good = self._answer("dot", b"250 accepted\r\n", replies, content)
        if is_good:
            self.accepted += 1
            if wait := self.sink.script.close_idle_after:
                self.sink.loop.call_later(wait, self._close_if_idle, self.accepted)
            if self.sink.script.close_after and self.accepted >= self.sink.script.close_after:
                self._flush(replies)
                self.transport.close()

    def _close_if_idle(self, accepted: int) -> None:
        if self.accepted == accepted and not self.in_data and not self.transport.is_closing():
            self.transport.write(b"421 too long idle\r\n")
            self.transport.close()

    def _answer(self, verb: str, good: bytes, replies: list[bytes] | None = None, content: bytes = b"") -> bool:
        """Reply as the script says; True when the good answer was given."""
        own = [] if replies is None else replies
        action = self.sink.action(verb)
        if action in ("hang", "drop", "reset", "accept and drop", "accept and reset", "drip", "slow accept"):
            self._flush(own)
            if "accept" in action:
                self.sink.accept(content)
            self._break(action)
            if action in ("drip", "slow accept"):
                self._drip(good, is_endless=action == "drip")
            return False
        if not action and verb == "dot":
            self.sink.accept(content)
        reply = f"{action}\r\n".encode() if action else good
        if reply.startswith(b"354"):
            self.in_data = self.is_new_content = True
        own.append(reply)
        if action.startswith("421"):
            self._flush(own)
            self.transport.close()
        if replies is None:
            self._flush(own)
        if verb == "quit" and not action:
            self._flush(own)
            self.transport.close()
        return not action

    def _breaks(self, verb: str) -> bool:
        action = self.sink.action(verb)
        self._break(action)
        return bool(action)

    def _break(self, action: str) -> None:
        """End the connection where the script says so; nothing more is said on it for the time being."""
        self.is_silent = bool(action)
        if action.endswith("drop"):
            self.transport.close()
        elif action.endswith("reset"):
            _reset(self.transport)

    def _drip(self, reply: bytes, *, is_endless: bool) -> None:
        if reply and not self.transport.is_closing():
            self.transport.write(reply[:1])
            self.sink.loop.call_later(0.2 if is_endless else 0.02, self._drip_on, reply[1:], is_endless)

    def _drip_on(self, rest: bytes, is_endless: bool) -> None:
        if rest or is_endless:
            self._drip(rest or b"x", is_endless=is_endless)
        else:
            self.is_silent = False
            self.data_received(b"")


def _reset(transport: asyncio.Transport) -> None:
    """Close so that the other side gets a reset and not an end."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Sink:
    """One sink; start it with `running_sink`."""

    def __init__(self, script: Script | None = None, *, log: Path | None = None, keeps: bool = True) -> None:
        self.script, self.record, self.keeps = script or Script(), Record(), keeps
        self.sessions: set[_Session] = set()
        self._log = log.open("ab", buffering=0) if log else None
        self._used: dict[str, int] = {}

    def action(self, verb: str) -> str:
        wanted = self.script.answers.get(verb, "")
        if wanted:
            self._used[verb] = self._used.get(verb, 0) + 1
            if not self.script.skip < self._used[verb] <= self.script.skip + self.script.times:
                return ""
        return wanted

    def accept(self, content: bytes) -> None:
        found = _MESSAGE_ID.search(content)
        identity = found[1] if found else b"none"
        if self._log:
            self._log.write(identity + b"\n")
        if self.keeps:
            self.record.accepted.append(identity.decode())
            self.record.messages.append(content)

    def end_all(self, how: str) -> None:
        """End every open connection: `drop`, `reset`, or a reply before the end. Safe from another thread."""
        for session in list(self.sessions):
            self.loop.call_soon_threadsafe(self._end, session, how)

    def _end(self, session: _Session, how: str) -> None:
        if how == "reset":
            _reset(session.transport)
            return
        if how != "drop":
            session.transport.write(f"{how}\r\n".encode())
        session.transport.close()

    async def serve(self, port: int = 0) -> asyncio.Server:
        self.loop = asyncio.get_running_loop()
        return await self.loop.create_server(self._session, "127.0.0.1", port, backlog=200)

    def _session(self) -> asyncio.Protocol:
        return _SlowSession(self) if self.script.delay else _Session(self)


class _SlowSession(_Session):
    """Answers after a delay, as over a long way."""

    def data_received(self, arrived: bytes) -> None:
        self.sink.loop.call_later(self.sink.script.delay, super().data_received, arrived)


@contextmanager
def running_sink(script: Script | None = None, *, log: Path | None = None) -> Iterator[tuple[Sink, int]]:
    """A sink in a thread of this process: (sink, port)."""
    sink, loop = Sink(script, log=log), asyncio.new_event_loop()
    server = loop.run_until_complete(sink.serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield sink, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        for session in list(sink.sessions):
            loop.call_soon_threadsafe(session.transport.abort)
        loop.call_soon_threadsafe(loop.call_later, 0.05, loop.stop)
        thread.join(5)
        loop.close()


async def _serve_for_ever(log: Path, delay: float) -> None:
    sink = Sink(Script(delay=delay), log=log, keeps=False)
    server = await sink.serve()
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(_serve_for_ever(given.log, given.delay))
