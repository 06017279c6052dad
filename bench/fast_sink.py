"""An SMTP sink that does as little as it can: `python -m bench.fast_sink` prints its port, and counts on SIGUSR1.

On SIGUSR1 it prints how many messages it accepted, how many different Message-IDs they had and the monotonic seconds
from the first MAIL to the last acceptance, and forgets them.
"""

import asyncio
import re
import signal
import time

_MESSAGE_ID = re.compile(rb"\r\nMessage-ID: ?(\S+)", re.IGNORECASE)
_END = b"\r\n.\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_ANSWERS = {b"D": b"354 go on\r\n", b"E": _EHLO, b"Q": b"221 bye\r\n"}


class Ledger:
    """What all connections together accepted, and when."""

    def __init__(self) -> None:
        self.accepted: list[bytes] = []
        self.first_mail = self.last_accepted = 0.0

    def tell(self) -> None:
        seconds = self.last_accepted - self.first_mail
        print(len(self.accepted), len(set(self.accepted)), f"{seconds:.6f}", flush=True)
        self.accepted.clear()
        self.first_mail = self.last_accepted = 0.0


ledger = Ledger()


class Session(asyncio.Protocol):
    """One connection: commands are told by their first letter."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.in_data = False
        transport.write(b"220 sink\r\n")

    def data_received(self, arrived: bytes) -> None:
        data = self.buffer + arrived if self.buffer else arrived
        start, replies = 0, []
        while (end := data.find(_END if self.in_data else b"\n", start)) >= 0:
            if self.in_data:
                replies.append(self._accept(data, start, end))
                start = end + len(_END)
            else:
                replies.append(self._answer(data[start:start + 1].upper()))
                start = end + 1
        self.buffer = data[start:]
        if replies:
            self.transport.write(b"".join(replies))
            if replies[-1] == _ANSWERS[b"Q"]:
                self.transport.close()

    def _accept(self, data: bytes, start: int, end: int) -> bytes:
        found = _MESSAGE_ID.search(data, start, end)
        ledger.accepted.append(found[1] if found else b"")
        ledger.last_accepted = time.monotonic()
        self.in_data = False
        return b"250 accepted\r\n"

    def _answer(self, letter: bytes) -> bytes:
        if letter == b"M" and not ledger.first_mail:
            ledger.first_mail = time.monotonic()
        self.in_data = letter == b"D"
        return _ANSWERS.get(letter, b"250 ok\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, ledger.tell)
    server = await loop.create_server(Session, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
