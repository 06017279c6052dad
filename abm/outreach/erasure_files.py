"""Erasing a person from the files of the data folder and from the queue server.

In tables of text (uploads, rejects) a line with the address is the person's: every cell of it goes. Messages that hold
the address or the name go whole, as do workbooks, since their cells cannot be changed one by one.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from abm.outreach.erasure_traces import ERASED
from core.errors import CannotRun
from core.jobs.queue import connection
from core.settings import settings

_TABLES = frozenset({".csv", ".tsv", ".txt"})
_TEXTS = frozenset({".json", ".yaml", ".yml", ".log", ".jsonl"})
_WORKBOOKS = frozenset({".xlsx", ".ods"})
_UNTOUCHED = frozenset({"secret.key", "restored-secret.key", "sample-users.txt"})
_CELL = re.compile(r'[^\W_](?:[^,;|\t"\r\n]*[^,;|\t"\r\n\s])?')
_LARGEST_PART = 200_000_000
_Patterns = Sequence[re.Pattern[str]]


def erase_from_files(addresses: _Patterns, others: _Patterns) -> int:
    """Change or remove every file of the data folder that holds one of these; how many."""
    return sum(_erase_from_file(path, addresses, others) for path in settings().data_dir.rglob("*")
               if path.is_file() and not path.is_symlink() and path.name not in _UNTOUCHED)


def _erase_from_file(path: Path, addresses: _Patterns, others: _Patterns) -> int:
    kind = path.suffix.lower()
    if kind == ".eml" or kind in _WORKBOOKS:
        texts = _texts_of_mail(path) if kind == ".eml" else _texts_of_workbook(path)
        if not any(pattern.search(text) for text in texts for pattern in (*addresses, *others)):
            return 0
        path.unlink()
        return 1
    return _erase_from_text(path, addresses, others) if kind in _TABLES | _TEXTS else 0


def _texts_of_mail(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    yield raw.decode("latin-1")
    message = message_from_bytes(raw, policy=policy.default)
    yield from (str(value) for value in message.values())
    for part in message.walk():
        octets = part.get_payload(decode=True)
        if isinstance(octets, bytes):
            yield octets.decode("utf-8", "replace")


def _texts_of_workbook(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as book:
            for one in book.infolist():
                if one.filename.endswith(".xml") and one.file_size <= _LARGEST_PART:
                    yield book.read(one).decode("utf-8", "replace")
    except (zipfile.BadZipFile, OSError, RuntimeError):
        return


def _erase_from_text(path: Path, addresses: _Patterns, others: _Patterns) -> int:
    octets = path.read_bytes()
    encoding = _encoding_of(octets)
    text = octets.decode(encoding, "replace" if encoding.startswith("utf-16") else "strict")
    changed = text
    if path.suffix.lower() in _TABLES:
        lines = changed.split("\n")
        changed = "\n".join(_CELL.sub(ERASED, line) if any(one.search(line) for one in addresses) else line
                            for line in lines)
    for pattern in (*addresses, *others):
        changed = pattern.sub(ERASED, changed)
    if changed == text:
        return 0
    path.write_bytes(changed.encode(encoding))
    return 1


def _encoding_of(octets: bytes) -> str:
    """An encoding in which all else stays as it is, octet for octet."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if octets[:2] == b"\xff\xfe" else "utf-16-be"
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def erase_from_queue(patterns: _Patterns) -> int:
    """Remove what the queue server holds of them (the error of a job that failed); how many entries. None where no
    server runs: jobs carry ids, and what failed is forgotten after a day."""
    try:
        server = connection()
        gone = [key for key in server.scan_iter(count=1_000)
                if any(pattern.search(text) for text in _texts_of_entry(server, key) for pattern in patterns)]
        if gone:
            server.delete(*gone)
            server.bgrewriteaof()
    except (RedisError, CannotRun):
        return 0
    return len(gone)


def _texts_of_entry(server: Any, key: bytes) -> Iterator[str]:
    kind = server.type(key)
    if kind == b"hash":
        for name, value in server.hgetall(key).items():
            yield from (name.decode("utf-8", "replace"), _unpacked(value))
    elif kind == b"string":
        yield (server.get(key) or b"").decode("utf-8", "replace")
    else:
        yield from (member.decode("utf-8", "replace") for member in _members(server, key, kind))


def _members(server: Any, key: bytes, kind: bytes) -> Iterable[bytes]:
    if kind == b"list":
        return list(server.lrange(key, 0, -1))
    if kind == b"set":
        return list(server.smembers(key))
    return list(server.zrange(key, 0, -1)) if kind == b"zset" else ()


def _unpacked(value: bytes) -> str:
    """RQ packs the errors of jobs."""
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")
