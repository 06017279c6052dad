"""Everything that an installation leaves outside its pages: its log, its queue, its tables and a backup."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import MetaData, create_engine, make_url, select

from core.jobs.embedded import socket_path

_READ = {"string": lambda q, key: q.get(key), "hash": lambda q, key: q.hgetall(key),
         "list": lambda q, key: q.lrange(key, 0, -1), "set": lambda q, key: q.smembers(key),
         "zset": lambda q, key: q.zrange(key, 0, -1), "stream": lambda q, key: q.xrange(key)}


def queue_text(folder: Path) -> str:
    """Every key of the queue server with its value; what RQ compressed is opened."""
    queue = Redis(unix_socket_path=str(socket_path(folder)), socket_timeout=5)
    said = []
    for key in queue.scan_iter():
        kind = queue.type(key).decode()
        said += [repr(key), *map(_opened, _flat(_READ[kind](queue, key)))]
    return "\n".join(said)


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | set | tuple):
        for one in value:
            yield from _flat(one)
    elif value is not None:
        yield value


def _opened(value: bytes) -> str:
    try:
        return zlib.decompress(value).decode(errors="replace")
    except zlib.error:
        return value.decode(errors="replace")


def table_text(url: str) -> str:
    """Every row of every table."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if url.startswith("postgresql") else url)
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        said = [repr(tuple(row)) for table in tables.sorted_tables for row in connection.execute(select(table))]
    engine.dispose()
    return "\n".join(said)


def log_lines(folder: Path) -> list[str]:
    """What the product said, JSON with its escapes undone."""
    lines = (folder / "product.log").read_text(errors="replace").splitlines()
    return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    try:
        return repr(json.loads(line))
    except ValueError:
        return line
