"""A queue server of the fault's own, without persistence, to be ended, emptied, filled, frozen and set read-only."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.jobs.embedded import _binary


class QueueServer:
    """Speaks Redis' protocol on a unix socket in a short folder."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "q.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        """Empty, and ready when this returns."""
        self._process = subprocess.Popen(
            [_binary(), "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no",
             "--dir", str(self._socket.parent)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError("the queue server does not start")
            time.sleep(0.02)

    def client(self) -> Redis:
        return Redis(unix_socket_path=str(self._socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def answers(self) -> bool:
        try:
            return bool(self._socket.exists() and self.client().ping())
        except RedisError:
            return False

    def kill(self) -> None:
        self.thaw()
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def running_queue() -> Iterator[QueueServer]:
    with tempfile.TemporaryDirectory(prefix="abm-q-") as folder:
        server = QueueServer(Path(folder))
        try:
            yield server
        finally:
            server.kill()
