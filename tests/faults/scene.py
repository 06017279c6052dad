"""Where a fault happens: a database, a data folder, a sink of its own process, and processes that may be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from abm.all_models import metadata
from abm.installation.schema import newest_revision
from abm.wiring import connect_engine, load_jobs
from bench.postgres import Cluster, temporary_cluster
from campaigns import sweeps
from campaigns.dispatch import DrainOptions, drain
from campaigns.outbox import is_idle
from core import db
from core.jobs import JobQueue
from core.jobs.embedded import stop_embedded
from core.jobs.parent import die_with_parent
from core.jobs.queue import connection
from core.settings import ROOT, settings
from tests.outbox_factory import deliveries, states

CONNECTIONS = 3
FINAL = frozenset({"sent", "unknown"})


class Forked:
    """A process that runs one function; it leads a session of its own and dies of real signals."""

    def __init__(self, work: Callable[[], object], *, log: Path) -> None:
        parent, self.pid = os.getpid(), os.fork()
        if self.pid:
            return
        try:
            os.setsid()
            die_with_parent(parent)
            _write_to(log)
            db.dispose()
            connection.cache_clear()
            work()
        finally:
            os._exit(0)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """The process and whatever descends from it, at once."""
        kill_family(self.pid)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def wait(self, seconds: float = 60.0) -> int:
        """Its exit status. Raises TimeoutError when it is still there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
            time.sleep(0.01)
        raise TimeoutError(f"still running after {seconds:g} s")


def _write_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)


class Scene:
    """Opened by `open_scene`; whatever was started in it is killed at its end, and the environment is put back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink_log = folder / "accepted.log"
        self.log = folder / "processes.log"
        self._environment = {name: value for name, value in os.environ.items() if name.startswith("ABM_")}
        self._forked: list[Forked] = []
        self._started: list[subprocess.Popen[Any]] = []
        connect_engine()
        load_jobs()
        self.start_sink()

    def start_sink(self, *, delay: float = 0.004) -> None:
        """What is sent from here on goes to a sink that answers after `delay`; all write to the same log."""
        self.sink_log.touch()
        command = [sys.executable, "-m", "tests.sink", "--log", str(self.sink_log), "--delay", f"{delay}"]
        sink = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._started.append(sink)
        assert sink.stdout is not None
        port = int(sink.stdout.readline())
        self.set_environment(ABM_MAIL_URL=f"smtp://127.0.0.1:{port}?connections={CONNECTIONS}")

    def set_environment(self, **values: str) -> None:
        """Settings from here on, for this process and those started later."""
        os.environ.update(values)
        self.forget_settings()

    def forget_settings(self) -> None:
        settings.cache_clear()
        connection.cache_clear()

    def close(self) -> None:
        self.kill_all_forked()
        for process in self._started:
            kill_family(process.pid)
            process.wait()
        stop_embedded(settings().data_dir)
        with db.engine().begin() as opened:
            opened.execute(text("DROP TABLE IF EXISTS alembic_version"))
        for name in [name for name in os.environ if name.startswith("ABM_")]:
            del os.environ[name]
        os.environ.update(self._environment)
        self.forget_settings()

    # processes

    def fork(self, work: Callable[[], object]) -> Forked:
        db.engine().dispose()
        self._forked.append(Forked(work, log=self.log))
        return self._forked[-1]

    def start_sender(self, *, lease: float = 30.0, seconds: float = 20.0, once: bool = False) -> Forked:
        """Drains the outbox, again and again or `once`."""
        options = DrainOptions(seconds=seconds, lease_seconds=lease)
        return self.fork(lambda: drain(options=options) if once else _drain_for_ever(options))

    def start_worker(self, queue: JobQueue = JobQueue.OUTREACH) -> Forked:
        """A real worker, which forks a work-horse for each job: its only children."""
        _have_queue()
        return self.fork(lambda: _work(queue))

    def start_family(self) -> Forked:
        """Both workers and the scheduler, each started again when it ends: what sends while nobody looks."""
        _have_queue()
        workers = [partial(_work, queue) for queue in JobQueue]
        return self.fork(lambda: supervise(*workers, run_scheduler_for_ever))

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
                                       env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
        self._started.append(process)
        return process

    def start_product(self, *, port: int | None = None) -> "subprocess.Popen[bytes]":
        """The whole product, as a person starts it."""
        with db.engine().begin() as opened:
            opened.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"))
            opened.execute(text("DELETE FROM alembic_version"))
            opened.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest_revision()})
        return self.start(sys.executable, "-m", "abm", "start", "--empty", ABM_PORT=str(port or free_port()))

    @contextmanager
    def own_postgres(self) -> Iterator[Cluster]:
        """Move to a PostgreSQL server that may be broken; its database is empty and has every table."""
        with temporary_cluster() as cluster, self.elsewhere(ABM_DATABASE_URL=cluster.url):
            yield cluster

    @contextmanager
    def elsewhere(self, *, is_empty: bool = False, **environment: str) -> Iterator[None]:
        """Move to another database or data folder, with every table (unless it is to be empty); and back, when nobody
        works there any more."""
        before = {name: os.environ.get(name, "") for name in environment}
        self._move(environment)
        if not is_empty:
            metadata.create_all(db.engine())
        try:
            yield
        finally:
            self.kill_all_forked()
            stop_embedded(settings().data_dir)
            self._move(before)

    def _move(self, environment: dict[str, str]) -> None:
        if db.engine.cache_info().currsize:
            db.engine().dispose()
        db.engine.cache_clear()
        self.set_environment(**environment)

    def kill_all_forked(self) -> None:
        for forked in self._forked:
            forked.kill()
        self._forked.clear()

    # what is true

    def accepted(self) -> Counter[str]:
        """The sink's own word: Message-IDs and how often each was accepted."""
        return Counter(self.sink_log.read_text().split())

    def wait_for_acceptances(self, more: int, seconds: float = 60.0) -> float:
        """Until the sink took so many more, or nothing is left to send; seconds waited. Raises TimeoutError."""
        before, started = sum(self.accepted().values()), time.monotonic()
        if not wait_until(lambda: sum(self.accepted().values()) >= before + more or set(states()) <= FINAL, seconds):
            raise TimeoutError(f"the sink took less than {more} messages in {seconds:g} s; {self._why()}")
        return time.monotonic() - started

    def wait_until_sent(self, seconds: float = 90.0) -> None:
        """Until every message has its state, by whatever runs. Raises TimeoutError."""
        if not wait_until(lambda: set(states()) <= FINAL, seconds, every=0.1):
            raise TimeoutError(f"still open after {seconds:g} s; {self._why()}")

    def _why(self) -> str:
        """What can be known of what held it up."""
        details = {row.detail for row in deliveries() if row.detail and row.state not in FINAL}
        told = self.log.read_text()[-2_000:] if self.log.exists() else "nothing"
        return f"{states()}, {sorted(details)[:3]}; the processes said: {told}"

    def send_the_rest(self) -> None:
        """In this process: settle what was left, and drain until nothing is due."""
        for _ in range(100):
            sweeps.settle_left_batches()
            drain()
            with db.reading() as session:
                if is_idle(session):
                    return

    # as people see it

    def browser(self, role: str = "admin") -> Any:
        """Somebody signed in at the real application, in this process."""
        from abm.users.actions import open_session
        from tests.factories import make_user

        client = _application().test_client()
        with db.transaction() as opened:
            token = open_session(opened, user=make_user(opened, role=role), ip="127.0.0.1", agent="fault")
        with client.session_transaction() as cookie:
            cookie["token"] = token
        return client


@contextmanager
def open_scene(folder: Path) -> Iterator[Scene]:
    """Settings must name an empty database with every table."""
    scene = Scene(folder)
    try:
        yield scene
    finally:
        scene.close()


@lru_cache(maxsize=1)
def _application() -> Any:
    from abm.app import create_app

    made = create_app()
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def _have_queue() -> None:
    """The embedded server becomes this process's own, and not a child of the worker that asks first."""
    connection().ping()


def _drain_for_ever(options: DrainOptions) -> None:
    while True:
        with suppress(Exception):  # as a worker does: the next job tries again
            drain(options=options)
        time.sleep(0.02)


def _work(queue: JobQueue) -> None:
    from core.jobs.worker import work

    work(queue)


def run_scheduler_for_ever() -> None:
    from abm.installation.scheduler import run_scheduler

    run_scheduler()


def supervise(*parts: Callable[[], object]) -> None:
    """Each part in a process of its own, started again when it ends, as the product's supervisor does."""
    running: dict[int, Callable[[], object]] = {}
    waiting = list(parts)
    while True:
        for part in waiting:
            parent, pid = os.getpid(), os.fork()
            if not pid:
                try:
                    die_with_parent(parent)
                    db.dispose()
                    part()
                finally:
                    os._exit(0)
            running[pid] = part
        waiting = []
        time.sleep(0.2)
        ended, _status = os.waitpid(-1, os.WNOHANG)
        if ended:
            waiting = [running.pop(ended)]


def descendants(pid: int) -> set[int]:
    """The process and all that descends from it."""
    found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in found.splitlines()[1:]]
    family = {pid}
    while more := {child for child, parent in pairs if parent in family} - family:
        family |= more
    return family


def kill_family(pid: int) -> None:
    """The process and all that descends from it, at once."""
    for one in descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def kill_embedded(data_dir: Path) -> None:
    """The queue server of this data folder, where it still runs."""
    file = data_dir / "queue" / "server.pid"
    with suppress(OSError, ValueError):
        os.kill(int(file.read_text()), signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Direct children; of a worker: its work-horse, while it has one."""
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], object], seconds: float = 10.0, *, every: float = 0.01) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
