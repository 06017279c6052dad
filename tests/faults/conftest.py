"""Processes that may be killed, and a sink in a process of its own whose log is the truth of what was accepted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from abm.wiring import connect_engine
from campaigns.dispatch import DrainOptions, drain
from core import db
from core.settings import ROOT, settings


@pytest.fixture
def sink_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Path) -> Iterator[Path]:
    """The product sends to a sink in another process with 3 connections; the file names what it accepted."""
    log = tmp_path / "accepted.log"
    log.touch()
    sink = subprocess.Popen([sys.executable, "-m", "tests.sink", "--log", str(log), "--delay", "0.004"], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    monkeypatch.setenv("ABM_MAIL_URL", f"smtp://127.0.0.1:{int(sink.stdout.readline())}?connections={CONNECTIONS}")
    settings.cache_clear()
    connect_engine()
    yield log
    sink.kill()
    sink.wait()


CONNECTIONS = 3
StartWorker = Callable[[], "subprocess.Popen[str]"]
StartSender = Callable[..., "Sender"]


@pytest.fixture
def start_worker(sink_log: Path, queue_server: str) -> Iterator[StartWorker]:
    """Start real workers, each the leader of its own group; whatever is left is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen([sys.executable, "-m", "tests.faults.sender"], cwd=ROOT, env=os.environ,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Sender:
    """A forked process that drains the outbox, again and again or `once`; a real process that dies of real signals."""

    def __init__(self, options: DrainOptions, *, once: bool) -> None:
        self.pid = os.fork()
        if self.pid:
            return
        try:
            db.dispose()
            drain(options=options)
            while not once:
                drain(options=options)
                time.sleep(0.02)
        finally:
            os._exit(0)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def wait(self) -> int:
        return os.waitpid(self.pid, 0)[1]


@pytest.fixture
def start_sender(sink_log: Path) -> Iterator[StartSender]:
    """Fork sending processes; whatever is left is killed at the end."""
    started: list[Sender] = []

    def start(*, lease: float = 30.0, seconds: float = 20.0, once: bool = False) -> Sender:
        db.engine().dispose()
        started.append(Sender(DrainOptions(seconds=seconds, lease_seconds=lease), once=once))
        return started[-1]

    yield start
    for sender in started:
        sender.kill()


def horses_of(process: "subprocess.Popen[str]") -> list[int]:
    """The children of a worker: its work-horse, while it has one."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def wait_until(is_so: Callable[[], object], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
