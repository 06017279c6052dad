"""A private table for a file's rows before they are merged: nothing else sees it, it goes with its connection.

PostgreSQL: a temporary table filled by COPY. SQLite: an attached private database on disk, so that filling it takes no
lock on the main database. Both are loaded through the raw driver: SQLAlchemy would take most of an import's time.
"""

import csv
import io
import sqlite3
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, MetaData, Table, func, select
from sqlalchemy.orm import Session

from core import db

if TYPE_CHECKING:
    import psycopg

_SQLITE_SLICE, _SMALLEST_SLICE, _POSTGRES_SLICE = 6_000, 500, 50_000
_LOCK_SECONDS, _GAP = 0.08, 0.08
_WAL_PAGES = 32_000
_WINDOW = 80_000


class Stage:
    """Rows under way to `table`'s columns. Open it with `with`; `rows` is the staging table.

    Every staged row has `position` (in merging order), `row_number` (its place in the file), `copies` (how many rows of
    the file bear its key) and `twins` (how many of those others were the same in every column).
    """

    def __init__(self, columns: Sequence[Column[Any]], key: Sequence[str], *, near: str = "") -> None:
        """`near`: a column by which SQLite's rows are sorted within windows of the file: a slice then touches few pages
        of the indexes that follow the file (ids, days) as of those that follow this column."""
        self._connection = db.engine().connect()
        self.is_postgres = self._connection.dialect.name == "postgresql"
        self.rows = Table(
            "import_rows",
            MetaData(),
            Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
            Column("row_number", BigInteger),
            *columns,
            Column("copies", Integer, server_default="1"),
            Column("twins", Integer, server_default="0"),
            schema=None if self.is_postgres else "stage",
            prefixes=["TEMPORARY"] if self.is_postgres else [],
        )
        self.key = tuple(key)
        self._names = [column.name for column in columns]
        self._key_hashes = array("q")
        self._window: list[tuple[Any, ...]] = []
        self._window_names: list[str] = []
        self._slice_rows = _POSTGRES_SLICE if self.is_postgres else _SQLITE_SLICE
        self.has_repeats = False
        self.place: Any = None  # a merging.Place
        self._near = "" if self.is_postgres else near

    def __enter__(self) -> Self:
        # A connection of this import's own, closed at the end: its private tables go with it, whatever happens.
        self._driver: Any = self._connection.connection.driver_connection
        self._connection.detach()
        if self.is_postgres:
            self._run("SET TIME ZONE 'UTC'")
        else:
            self._run("PRAGMA temp_store=FILE")
            self._run("ATTACH '' AS stage")
            self._run("PRAGMA stage.journal_mode=OFF")
            self._run("PRAGMA stage.cache_size=-16384")
            self._run(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
        with self.preparing() as session:
            self.rows.create(session.connection())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _run(self, statement: str) -> None:
        self._driver.execute(statement)
        if self.is_postgres:
            self._driver.commit()

    @contextmanager
    def preparing(self) -> Iterator[Session]:
        """A transaction that changes the staging table only; it may read the others and takes no lock on them."""
        self._connection.execution_options(sqlite_begin="BEGIN")
        with db.transaction(self._connection) as session:
            yield session

    @contextmanager
    def merging(self) -> Iterator[Session]:
        """A transaction that writes to the real tables and sees the staging table."""
        self._connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with db.transaction(self._connection) as session:
            begun = time.monotonic()
            yield session
        self._let_others_write(time.monotonic() - begun)

    def _let_others_write(self, held: float) -> None:
        """On SQLite the next slice gets the size that keeps the lock for about as long as is fair to everybody else,
        and those who wait for it get a gap: they look for one again and again, nothing wakes them."""
        if not self.is_postgres:
            change = min(max(_LOCK_SECONDS / max(held, 0.001), 0.7), 1.1)
            self._slice_rows = min(max(int(self._slice_rows * change), _SMALLEST_SLICE), _SQLITE_SLICE)
            time.sleep(min(held, 1) * _GAP)

    def load(self, numbers: Sequence[int], columns: dict[str, list[Any]]) -> None:
        """Add rows: columns in stored form (dates and moments as text, amounts in ten-thousandths, JSON as text)."""
        if not numbers:
            return
        names = [name for name in self._names if name in columns]
        values = [columns[name] for name in names]
        keys = [columns[name] for name in self.key if name in columns]
        self._key_hashes.extend(map(hash, keys[0] if len(keys) == 1 else zip(*keys, strict=True)))
        rows = zip(numbers, *values, strict=True)
        if not self._near:
            self._write(names, rows)
            return
        if names != self._window_names:
            self._write_window()
            self._window_names = names
        self._window.extend(rows)
        if len(self._window) >= _WINDOW:
            self._write_window()

    def _write_window(self) -> None:
        if self._window:
            self._window.sort(key=itemgetter(self._window_names.index(self._near) + 1))
            self._write(self._window_names, self._window)
            self._window = []

    def _write(self, given: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        names = ", ".join(f'"{name}"' for name in ["row_number", *given])
        (self._copy if self.is_postgres else self._insert)(names, rows)

    def _copy(self, names: str, rows: Iterable[tuple[Any, ...]]) -> None:
        text = io.StringIO()
        # A line of \. would end the data for servers before 17 even inside quotes, so backslashes start no line.
        csv.writer(text).writerows(rows)
        raw: psycopg.Connection[Any] = self._driver
        with raw.cursor() as cursor, cursor.copy(f"COPY import_rows ({names}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(text.getvalue())
        raw.commit()

    def _insert(self, names: str, rows: Iterable[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * (names.count(",") + 1))
        raw: sqlite3.Connection = self._driver
        raw.execute("BEGIN")
        raw.executemany(f"INSERT INTO stage.import_rows ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own names
        raw.execute("COMMIT")

    def slices(self, after: int = 0) -> Iterator[tuple[ColumnElement[bool], int]]:
        """Conditions that cut the rows behind position `after` into pieces small enough not to hold SQLite's lock for
        long, each with its last position."""
        with self.preparing() as session:
            last = session.scalar(select(func.max(self.rows.c.position))) or 0
        start = after + 1
        while start <= last:
            end = start + self._slice_rows
            yield self.rows.c.position.between(start, end - 1), end - 1
            start = end

    def may_repeat_keys(self) -> bool:
        """False means that no key stands twice. Judged by hashes, 8 bytes a row."""
        import numpy

        hashes = numpy.sort(numpy.frombuffer(self._key_hashes, dtype=numpy.int64))
        return bool((hashes[1:] == hashes[:-1]).any())

    def finish_loading(self) -> None:
        """Keep the last row of every key and note on it what the others were; tell PostgreSQL the table's size."""
        self._write_window()
        self.has_repeats = self.may_repeat_keys()
        if self.has_repeats:
            with self.preparing() as session:
                self._keep_last_rows(session)
        if self.is_postgres:
            self._run("ANALYZE import_rows")
        else:
            # What a statement notes for its own undoing is small; on disk it would cost as much as the rows.
            self._run("PRAGMA temp_store=MEMORY")

    def _keep_last_rows(self, session: Session) -> None:
        rows, keys = self.rows, [self.rows.c[name] for name in self.key]
        repeated = (
            select(*keys, func.max(rows.c.row_number).label("last"), func.count().label("times"))
            .group_by(*keys)
            .having(func.count() > 1)
            .cte("repeated")
        )
        other = rows.alias("other")
        same = [rows.c[name].is_not_distinct_from(other.c[name]) for name in self._names]
        keyed = [rows.c[name] == other.c[name] for name in self.key]
        twins = (
            select(func.count())
            .select_from(other)
            .where(*keyed, *same, other.c.row_number < rows.c.row_number)
            .correlate(rows)
            .scalar_subquery()
        )
        lasting = select(repeated.c.last)
        times = select(repeated.c.times).where(repeated.c.last == rows.c.row_number).scalar_subquery()
        session.execute(rows.update().where(rows.c.row_number.in_(lasting)).values(copies=times))
        self.index_keys(session)
        session.execute(rows.update().where(rows.c.copies > 1).values(twins=twins))
        newer = select(other.c.row_number).where(*keyed, other.c.row_number > rows.c.row_number).correlate(rows)
        session.execute(rows.delete().where(newer.exists()))

    def index_keys(self, session: Session) -> None:
        """Make looking up a staged row by its key quick; for those who do that row by row."""
        names = ", ".join(f'"{name}"' for name in self.key)
        schema = "" if self.is_postgres else "stage."
        session.connection().exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {schema}ix_import_rows_key ON import_rows ({names})"
        )
