"""A temporary PostgreSQL cluster with fsync, for benchmarks and faults; it is removed at the end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MARK = b"abm-bench-pg-"


def _find_binaries() -> Path:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("No PostgreSQL server found: install postgresql, or give --url postgresql://user:password@host/db")
    return found[-1].parent


def _as_owner(command: list[str], owner: str | None) -> None:
    full = ["su", owner, "-s", "/bin/sh", "-c", subprocess.list2cmdline(command)] if owner else command
    subprocess.run(full, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _owner() -> str | None:
    """PostgreSQL refuses root: then some ordinary user owns the cluster."""
    if os.geteuid() != 0:
        return None
    for name in ("pgrun", "postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SystemExit("PostgreSQL does not run as root and there is no user pgrun, postgres or nobody")


@dataclass(frozen=True)
class Cluster:
    """A running server of our own: the URL of its empty database, and how to break it."""

    url: str
    folder: Path
    control: list[str]
    owner: str | None

    def restart(self, mode: str) -> None:
        """`immediate`: as after a crash; `fast`: open transactions are rolled back. Returns when it answers again."""
        _as_owner([*self.control, "-m", mode, "restart"], self.owner)

    def processes(self) -> list[int]:
        """The postmaster first, then all that it started."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]


@contextmanager
def temporary_server() -> Iterator[str]:
    """The URL of an empty database on a server of our own with fsync and synchronous commits on."""
    with temporary_cluster() as cluster:
        yield cluster.url


@contextmanager
def temporary_cluster() -> Iterator[Cluster]:
    """A server of our own with fsync and synchronous commits on."""
    binaries, owner = _find_binaries(), _owner()
    folder = Path(tempfile.mkdtemp(prefix=MARK.decode()))
    if owner:
        shutil.chown(folder, owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster = folder / "data"
    options = ["-D", str(cluster), "-U", "abm", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    _as_owner([str(binaries / "initdb"), *options], owner)
    options = (f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=on -c synchronous_commit=on "
               "-c shared_buffers=256MB -c max_wal_size=2GB")
    control = [str(binaries / "pg_ctl"), "-D", str(cluster), "-w", "-l", str(folder / "log")]
    try:
        _as_owner([*control, "-o", options, "start"], owner)
        yield Cluster(f"postgresql://abm@127.0.0.1:{port}/postgres", folder, control, owner)
    finally:
        _as_owner([*control, "-m", "immediate", "stop"], owner)
        shutil.rmtree(folder, ignore_errors=True)
