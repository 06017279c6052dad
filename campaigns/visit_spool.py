"""Visits on disk while they wait for the database, so that a process that dies meanwhile takes none with it.

One file per process, append-only and synced many visits at a time; there is none while the database takes what comes.
The process holds a lock on its file as long as it lives: whoever finds the lock free may store what is in it. Each
visit bears its event's key, so that it is kept once, however often it is stored.
"""

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from campaigns.tracking import Click
from campaigns.visits import Seen, Visitor, kept_url

_SUFFIX = ".visits"
MOST_BYTES = 32 * 2**20  # some 140,000 visits
Keep = Callable[[Sequence[Seen]], bool]


class SpoolFull(OSError):
    """More wait than a disk should be filled with."""


class VisitSpool:
    """The file of this process, made when the first visit has to wait."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path, self._file, self.size = folder, Path(), -1, 0

    def add(self, visits: Sequence[Seen]) -> None:
        """On disk when this returns. Raises OSError where they are not, and then none of them is."""
        if self._file < 0:
            self._open()
        lines = "".join(json.dumps(_to_list(one)) + "\n" for one in visits).encode()
        if self.size + len(lines) > MOST_BYTES:
            raise SpoolFull(f"{self.size} bytes of visits wait already")
        try:
            if os.write(self._file, lines) < len(lines):
                raise OSError("the disk took a part of the visits only")
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(lines)

    def read(self, start: int, end: int) -> list[Seen]:
        """What was added between these sizes of the file."""
        return _read(self._path, start, end)

    def close(self, *, keep: bool = False) -> None:
        """Remove the file and let go of it. `keep`: its visits are not stored, so somebody else will take them up."""
        if self._file >= 0:
            if not keep:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
        self._file, self.size = -1, 0

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex[:12]}{_SUFFIX}"
        unnamed = path.with_suffix(".new")
        file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(path)  # only now: without its lock it would be taken for a dead process's
        self._path, self._file = path, file


def take_up(folder: Path, keep: Keep) -> int:
    """Store the visits that dead processes left, unless somebody else does so now; how many. `keep` says whether they
    are stored; what is not stays where it is."""
    taken = 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError, BlockingIOError):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                visits = _read(path)
                if keep(visits):
                    path.unlink()
                    taken += len(visits)
            finally:
                os.close(file)
    return taken


def _read(path: Path, start: int = 0, end: int | None = None) -> list[Seen]:
    """A torn last line, as of a process that was killed while it wrote, was promised to nobody."""
    lines = path.read_bytes()[start:end].split(b"\n")[:-1]
    return [one for line in lines if (one := _from_line(line))]


def _to_list(one: Seen) -> list[str | int | None]:
    """Of a target that holds values of the person only its host, as in the database."""
    at, url = one.visitor.at.isoformat(), kept_url(one.click) if one.click else None
    return [one.key, one.kind, one.delivery_id, one.visitor.agent[:300], one.visitor.ip, at, url]


def _from_line(line: bytes) -> Seen | None:
    """None for what nobody can read: it must not keep the others from being stored."""
    try:
        key, kind, delivery_id, agent, ip, at, url = json.loads(line)
        click = None if url is None else Click(delivery_id, url, is_personal=False)
        return Seen(kind, delivery_id, Visitor(agent, ip, datetime.fromisoformat(at)), click, key)
    except (ValueError, TypeError):
        return None
