"""Rows of a query to another database, whose session may only read and only for a while."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from campaigns.channels.guard import is_allowed
from core.errors import Refused
from core.settings import settings

SECONDS = 300
_AT_ONCE = 1_000
_LONGEST_CELL = 4 << 20
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, 33}  # 33: a recursive WITH
_OUT_OF_REACH = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
Rows = tuple[list[str], list[tuple[Any, ...]]]


def read_rows(way: Mapping[str, Any], secret: str, *, seconds: float = SECONDS) -> Iterator[Rows]:
    """(columns, some rows), at least once. Raises Refused with the database's own sentence, without the secret."""
    query = way["query"].strip().removesuffix(";")
    if way["url"].startswith("sqlite:///"):
        return _from_sqlite(way["url"].removeprefix("sqlite:///"), query, seconds)
    return _from_postgres(way["url"], query, secret, seconds)


def _from_sqlite(name: str, query: str, seconds: float) -> Iterator[Rows]:
    path = Path(name).resolve()
    if not path.is_file():
        raise Refused(f"There is no database file {name}")
    if path.is_relative_to(settings().data_dir.resolve()):
        raise Refused("A source cannot read this product's own data folder")
    ends = time.monotonic() + seconds
    opened = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        opened.execute("PRAGMA query_only=ON")
        opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
        opened.text_factory = lambda text: text.decode("utf-8", "surrogateescape")  # the import refuses that row alone
        opened.set_authorizer(_may)
        opened.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
        cursor = opened.execute(query)
        columns = [str(one[0]) for one in cursor.description or ()]
        yield columns, cursor.fetchmany(_AT_ONCE)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield columns, rows
    except sqlite3.Error as error:
        said = "it took too long" if "interrupted" in str(error) else str(error)
        raise Refused(f"The query was refused: {said}") from error
    finally:
        opened.close()


def _may(action: int, _first: str | None, second: str | None, _database: str | None, _within: str | None) -> int:
    is_reading = action in _READING and (second or "").lower() not in _OUT_OF_REACH
    return sqlite3.SQLITE_OK if is_reading else sqlite3.SQLITE_DENY


def _from_postgres(url: str, query: str, secret: str, seconds: float) -> Iterator[Rows]:
    import psycopg

    ends = time.monotonic() + seconds
    try:
        with psycopg.connect(**_place(url), password=secret or None, connect_timeout=10) as opened:
            opened.read_only = True
            opened.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            with opened.cursor(name="source") as cursor:
                cursor.itersize = _AT_ONCE
                cursor.execute(query)
                columns = [one.name for one in cursor.description or ()]
                yield columns, cursor.fetchmany(_AT_ONCE)
                while rows := cursor.fetchmany(_AT_ONCE):
                    if time.monotonic() > ends:  # the server's own limit holds for each fetch, not for all of them
                        raise Refused(f"The query was refused: it took longer than {seconds:.0f} seconds")
                    yield columns, rows
    except psycopg.Error as error:
        said = str(error).strip().split("\n")[0]
        raise Refused(f"The database refused: {said.replace(secret, '••••') if secret else said}") from error


def _place(url: str) -> dict[str, Any]:
    """Host, checked address, port, user and database: nothing else of a URL reaches the driver."""
    import socket

    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 5432
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)] if host else []
    except (ValueError, OSError) as error:
        raise Refused(f"The database's host {parts.hostname} is not known") from error
    if not found or not all(is_allowed(host, address) for address in found):
        raise Refused(f"{host or 'The host'} leads into the own network, which ABM_ALLOWED_HOSTS does not allow")
    place = {"host": host, "hostaddr": found[0], "port": port, "dbname": unquote(parts.path.lstrip("/"))}
    return {**place, **({"user": unquote(parts.username)} if parts.username else {})}
