"""`abm start`: the whole product on one machine, ended by one Ctrl-C."""

import fcntl
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from abm.installation.processes import Child, scheduler_command, stop_all, web_command, worker_command
from abm.installation.sample_sign_in import is_loading, sample_sign_in
from abm.installation.schema import is_without_users, newest_revision, present_revision, upgrade, was_cut_off
from core.errors import CannotRun, Refused
from core.jobs.embedded import embedded_url, is_running, stop_embedded
from core.settings import settings

# An answer that a mail server owes is waited for (campaigns.dispatch.STOP_GRACE_SECONDS), then recorded.
_STOP_SECONDS = 9.0
_OTHERS_SECONDS = 3.0
Say = Callable[[str], None]


def run_product(*, say: Say, with_sample: bool = True) -> None:
    """Run until SIGINT or SIGTERM. Raises Refused when the product already runs for this data folder."""
    own = settings()
    with open(own.data_dir / "start.lock", "a+") as lock:
        _take(lock)
        _refuse_taken_port(own.port)
        _prepare_database(with_sample)
        _run(say)


def _prepare_database(with_sample: bool) -> None:
    """On a first or a new version's start only; a usual one asks one question and imports next to nothing."""
    present = present_revision()
    if present != newest_revision():
        upgrade()
    if with_sample and (present is None or is_loading() or is_without_users()):
        from abm.installation.sample import load_sample_company

        load_sample_company()


def _take(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused(
            f"The product already runs for {settings().data_dir}: open {settings().base_url}, "
            "or end it with `bin/abm stop`"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"Port {port} is in use by another program; choose one with ABM_PORT=8001") from error


def _run(say: Say) -> None:
    own = settings()
    if not own.redis_url:
        embedded_url(own.data_dir)
    web = Child("web", web_command(port=own.port), say)
    others = [
        Child("outreach worker", worker_command("outreach"), say),
        Child("sweeps worker", worker_command("sweeps"), say),
        Child("scheduler", scheduler_command(), say),
    ]
    general = Child("general worker", worker_command("general"), say)
    stop = {"asked": False}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: stop.update(asked=True))
    _start_in_turn(web, others, stop, say)
    general.start_after(_OTHERS_SECONDS)
    _announce(say)
    children = [web, *others, general]
    while not stop["asked"]:
        for child in children:
            child.look()
        if not own.redis_url and not is_running(own.data_dir):
            _start_queue_again(own.data_dir, say)
        time.sleep(0.3)
    say("Stopping …")
    stop_all(children, seconds=_STOP_SECONDS)
    if not own.redis_url:
        stop_embedded(own.data_dir)
    say("Stopped. Your data is kept.")


def _start_in_turn(web: Child, others: list[Child], stop: dict[str, bool], say: Say) -> None:
    """The first page comes first: the others would only make it wait for the processor. Where sending was cut off,
    however, what sends does not wait for a page."""
    for child in (*others, web) if was_cut_off() else (web,):
        child.start()
    _wait_for_first_page(web, stop, say)
    for child in others:
        child.look()


def _start_queue_again(data_dir: Path, say: Say) -> None:
    say("embedded queue server ended or hangs; starting it again")
    try:
        embedded_url(data_dir)
    except CannotRun as error:  # a full disk, say: the rest of the product goes on, and the next look tries again
        say(str(error))


def _wait_for_first_page(web: Child, stop: dict[str, bool], say: Say) -> None:
    address = f"http://127.0.0.1:{settings().port}/sign-in"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not stop["asked"]:
        web.look()
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    if not stop["asked"]:
        say("The web process does not answer yet; what it says is above.")


def _announce(say: Say) -> None:
    say(f"\n  Open {settings().base_url}\n{_how_to_sign_in()}\n  Ctrl-C stops everything.\n")


def _how_to_sign_in() -> str:
    from abm.users.actions import issue_first_set_up_token
    from abm.users.queries import count_users
    from core import db

    with db.transaction() as session:
        if count_users(session):
            return sample_sign_in()
        token = issue_first_set_up_token(session)
    return f"  Set up the first administrator: {settings().base_url}/set-up/{token}"


def stop_product(data_dir: Path) -> bool:
    """End the product that runs for this folder, and its queue server. False when nothing ran."""
    path = data_dir / "start.lock"
    stopped = False
    if path.exists():
        with open(path, "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                stopped = _terminate(int(lock.read() or 0), lock)
    return stop_embedded(data_dir) or stopped


def _terminate(pid: int, lock: IO[str]) -> bool:
    if pid <= 0:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS + 6
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False
