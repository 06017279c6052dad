"""The hand-over journal: what this process began and what was answered, written before anything else can go wrong.

One file per sending process, append-only and unbuffered, so that a killed process leaves every line it wrote. The
process holds a lock on the file as long as it lives; whoever finds the lock free knows that it is dead.

Lines: `B delivery fence` before a message's final dot is written, then `A delivery fence code` when it was accepted or
`R delivery fence code` when it was refused or is known not to have been handed over (code 0). `P 0 fence` once a whole
batch is rendered: no message of it can be what killed the process later.

Room on the disk is taken ahead: a message is begun only while the lines about it are sure to fit.
"""

import fcntl
import os
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from campaigns import disk_room

_SUFFIX = ".journal"
ROOM = 256 * 1024  # taken at a time: some 8,000 lines
_MARGIN = 64 * 1024  # more than what all connections of a process can write about messages on the wire


class Owner(StrEnum):
    """What is known of the process that writes a journal."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Account:
    """What a journal says about one fence: was it rendered; ids begun, accepted, and refused with the code."""

    begun: frozenset[int] = frozenset()
    accepted: frozenset[int] = frozenset()
    refused: dict[int, int] = field(default_factory=dict)
    is_prepared: bool = False


class Journal:
    """The journal of this process. Use as a context manager; a clean end removes the file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._path = _path(folder, self.name)
        unnamed = self._path.with_suffix(".new")
        self._file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self._path)  # only now: a sweep that found it without its lock would take it for a dead one's
        self._reserved = self._written = 0
        self.has_room()

    def has_room(self) -> bool:
        """Whether what becomes of one more message can be written, on a disk that is full as well."""
        if self._reserved - self._written >= _MARGIN:
            return True
        self._written, reserved = disk_room.length(self._file), self._reserved
        if reserved - self._written < _MARGIN and disk_room.reserve(self._file, start=reserved, size=ROOM):
            self._reserved = reserved + ROOM  # the same, should two threads have come here at once
        return self._reserved - self._written >= _MARGIN

    def prepared(self, fence: int) -> None:
        self._write(b"P 0 %d\n" % fence)

    def begun(self, delivery_id: int, fence: int, *, accepted: tuple[int, int, int] | None = None) -> None:
        """`accepted`: delivery, fence and code of the message before it on this connection, written with it."""
        before = b"A %d %d %d\n" % accepted if accepted else b""
        self._write(before + b"B %d %d\n" % (delivery_id, fence))

    def accepted(self, delivery_id: int, fence: int, code: int = 250) -> None:
        self._write(b"A %d %d %d\n" % (delivery_id, fence, code))

    def refused(self, delivery_id: int, fence: int, code: int) -> None:
        self._write(b"R %d %d %d\n" % (delivery_id, fence, code))

    def _write(self, lines: bytes) -> None:
        written = os.write(self._file, lines)
        self._written += written  # short when threads write at once; read anew near the end

    def close(self, *, keep: bool = False) -> None:
        """Let go of the lock. `keep`: some rows are not recorded yet, so the sweep will need the file."""
        if not keep:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def owner_of(folder: Path, name: str) -> Owner:
    """Whether the process behind a journal lives. ELSEWHERE: its file is not in this data folder."""
    try:
        file = os.open(_path(folder, name), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Owner.ELSEWHERE
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Owner.ALIVE
    finally:
        os.close(file)
    return Owner.DEAD


def list_dead(folder: Path) -> list[str]:
    """The journals in this folder whose process has ended."""
    names = [path.name.removesuffix(_SUFFIX) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    return [name for name in names if owner_of(folder, name) is Owner.DEAD]


def read_account(folder: Path, name: str, fence: int) -> Account:
    """What the journal says about the messages of one fence; a torn last line is left out."""
    seen: dict[bytes, dict[int, int]] = {b"P": {}, b"B": {}, b"A": {}, b"R": {}}
    for line in _path(folder, name).read_bytes().split(b"\n")[:-1]:
        kind, *numbers = line.split(b" ")
        is_whole = len(numbers) in (2, 3) and all(one.isdigit() for one in numbers)
        if kind in seen and is_whole and int(numbers[1]) == fence:
            seen[kind][int(numbers[0])] = int(numbers[-1])
    return Account(frozenset(seen[b"B"]), frozenset(seen[b"A"]), seen[b"R"], bool(seen[b"P"]))


def remove(folder: Path, name: str) -> None:
    _path(folder, name).unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / (Path(name).name + _SUFFIX)
