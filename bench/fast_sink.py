"""An SMTP sink that does as little as it can: `python -m bench.fast_sink [seconds]` prints its port, and counts on
SIGUSR1. With `seconds` every message is answered so much later, as a relay far away would.

On SIGUSR1 it prints how many messages it accepted, how many different Message-IDs they had and the monotonic seconds
from the first MAIL to the last acceptance, and forgets them.
"""

import heapq
import re
import selectors
import signal
import socket
import sys
import time
from types import FrameType

_MESSAGE_ID = re.compile(rb"\r\nMessage-ID: ?(\S+)", re.IGNORECASE)
_END = b"\r\n.\r\n"
_ACCEPTED = b"250 accepted\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_ANSWERS = {b"D": b"354 go on\r\n", b"E": _EHLO, b"Q": b"221 bye\r\n"}


class Ledger:
    """What all connections together accepted, and when."""

    def __init__(self) -> None:
        self.accepted: list[bytes] = []
        self.first_mail = self.last_accepted = 0.0

    def note(self, identity: bytes) -> None:
        self.accepted.append(identity)
        self.last_accepted = time.monotonic()

    def tell(self, _number: int, _frame: FrameType | None) -> None:
        seconds = self.last_accepted - self.first_mail
        print(len(self.accepted), len(set(self.accepted)), f"{seconds:.6f}", flush=True)
        self.accepted = []
        self.first_mail = self.last_accepted = 0.0


class Session:
    """One connection: commands are told by their first letter."""

    def __init__(self, connection: socket.socket, sink: "Sink") -> None:
        self.connection, self.sink = connection, sink
        self.buffer = b""
        self.in_data = self.is_waiting = False
        connection.sendall(b"220 sink\r\n")

    def arrived(self, data: bytes) -> bool:
        """Answer what came; whether the connection goes on."""
        data = self.buffer + data if self.buffer else data
        start, replies = 0, []
        while not self.is_waiting and (end := data.find(_END if self.in_data else b"\n", start)) >= 0:
            if self.in_data:
                replies += self._accept(data, start, end)
                start = end + len(_END)
            else:
                replies.append(self._answer(data[start:start + 1].upper()))
                start = end + 1
        self.buffer = data[start:]
        if replies:
            self.connection.sendall(b"".join(replies))
        return not replies or replies[-1] != _ANSWERS[b"Q"]

    def _accept(self, data: bytes, start: int, end: int) -> list[bytes]:
        found = _MESSAGE_ID.search(data, start, end)
        identity = found[1] if found else b""
        self.in_data = False
        if self.sink.delay:
            self.is_waiting = True
            self.sink.answer_later(self, identity)
            return []
        self.sink.ledger.note(identity)
        return [_ACCEPTED]

    def answer_now(self, identity: bytes) -> None:
        self.sink.ledger.note(identity)
        self.is_waiting = False
        self.connection.sendall(_ACCEPTED)
        self.arrived(b"")

    def _answer(self, letter: bytes) -> bytes:
        if letter == b"M" and not self.sink.ledger.first_mail:
            self.sink.ledger.first_mail = time.monotonic()
        self.in_data = letter == b"D"
        return _ANSWERS.get(letter, b"250 ok\r\n")


class Sink:
    """Serves all connections from one thread."""

    def __init__(self, delay: float) -> None:
        self.delay, self.ledger = delay, Ledger()
        self._late: list[tuple[float, int, Session, bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._selector.register(self._server, selectors.EVENT_READ)
        self.port = int(self._server.getsockname()[1])

    def answer_later(self, session: Session, identity: bytes) -> None:
        heapq.heappush(self._late, (time.monotonic() + self.delay, id(session), session, identity))

    def serve(self) -> None:
        while True:
            patience = max(self._late[0][0] - time.monotonic(), 0) if self._late else None
            for key, _events in self._selector.select(patience):
                if key.data is None:
                    self._open()
                else:
                    self._read(key.data)
            while self._late and self._late[0][0] <= time.monotonic():
                _at, _number, session, identity = heapq.heappop(self._late)
                session.answer_now(identity)

    def _open(self) -> None:
        connection, _address = self._server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, Session(connection, self))

    def _read(self, session: Session) -> None:
        try:
            data = session.connection.recv(262_144)
            goes_on = bool(data) and session.arrived(data)
        except OSError:
            goes_on = False
        if not goes_on:
            self._selector.unregister(session.connection)
            session.connection.close()


def main() -> None:
    sink = Sink(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
    signal.signal(signal.SIGUSR1, sink.ledger.tell)
    print(sink.port, flush=True)
    sink.serve()


if __name__ == "__main__":
    main()
