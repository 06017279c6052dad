"""Child processes that belong to us: started, watched, restarted, ended within seconds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from core.jobs.parent import die_with_parent
from core.settings import ROOT

_BACKOFF = (0.2, 0.5, 1, 2, 5)


@dataclass
class Child:
    """One process of the product. `say` tells the person at the terminal what happened to it."""

    name: str
    command: Sequence[str]
    say: Callable[[str], None]
    process: subprocess.Popen[bytes] | None = None
    crashes: int = 0
    started_at: float = field(default=0.0)
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            preexec_fn=partial(die_with_parent, os.getpid()),
            start_new_session=True,
        )
        self.started_at = time.monotonic()

    def start_after(self, seconds: float) -> None:
        """Not now, but by the first look after so long."""
        self.restart_at = time.monotonic() + seconds

    def look(self) -> None:
        """Start again what ended, waiting a little longer after each crash."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.crashes = 0 if now - self.started_at > 60 else self.crashes + 1
        wait = _BACKOFF[min(self.crashes, len(_BACKOFF) - 1)]
        self.say(f"{self.name} ended (code {code}); starting it again")
        self.process, self.restart_at = None, now + wait

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and whatever it forked: its process group is its own."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def stop_all(children: Sequence[Child], *, seconds: float) -> None:
    """Ask every child to end its work; kill what is still there after `seconds`."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + seconds
    for child in children:
        if child.process is not None:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.process.wait()


def worker_command(queue: str) -> list[str]:
    return [sys.executable, str(ROOT / "worker.py"), queue]


def scheduler_command() -> list[str]:
    return [sys.executable, "-m", "abm", "schedule"]


def web_command(*, port: int) -> list[str]:
    options = "--worker-class gthread --workers 1 --threads 12 --graceful-timeout 7 --timeout 60 --log-level warning"
    return [sys.executable, "-m", "gunicorn", *options.split(), "--bind", f"127.0.0.1:{port}", "wsgi:app"]
