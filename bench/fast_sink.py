"""An SMTP sink that does as little as it can: `python -m bench.fast_sink` prints its port, and counts on SIGUSR1.

On SIGUSR1 it prints how many messages it accepted and how many different Message-IDs they had, and forgets them.
"""

import asyncio
import re
import signal

_MESSAGE_ID = re.compile(rb"\r\nMessage-ID: ?(\S+)", re.IGNORECASE)
_END = b"\r\n.\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
accepted: list[bytes] = []


class Session(asyncio.Protocol):
    """One connection: commands are told by their first letter."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.write = transport.write
        self.close = transport.close
        self.buffer = b""
        self.in_data = False
        self.write(b"220 sink\r\n")

    def data_received(self, arrived: bytes) -> None:
        data = self.buffer + arrived if self.buffer else arrived
        start, replies = 0, b""
        while True:
            if self.in_data:
                end = data.find(_END, start)
                if end < 0:
                    break
                found = _MESSAGE_ID.search(data, start, end)
                accepted.append(found[1] if found else b"")
                replies += b"250 accepted\r\n"
                start, self.in_data = end + 5, False
                continue
            end = data.find(b"\n", start)
            if end < 0:
                break
            letter = data[start:start + 1]
            start = end + 1
            if letter in b"Dd":
                self.in_data = True
                replies += b"354 go on\r\n"
            elif letter in b"Ee":
                replies += _EHLO
            elif letter in b"Qq":
                self.write(replies + b"221 bye\r\n")
                self.close()
                return
            else:
                replies += b"250 ok\r\n"
        self.buffer = data[start:]
        if replies:
            self.write(replies)


def tell() -> None:
    print(len(accepted), len(set(accepted)), flush=True)
    accepted.clear()


async def main() -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, tell)
    server = await loop.create_server(Session, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
