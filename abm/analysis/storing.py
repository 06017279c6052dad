"""Storing a row per account (or other thing) of a run through the raw driver: binary COPY on PostgreSQL, executemany on
SQLite, since building a statement per row would take longer than the analysis itself."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Float, Integer, Table
from sqlalchemy.orm import Session

from abm.analysis.computing import plain
from abm.analysis.models import AccountResult, FactorResult
from abm.analysis.results import STORED_COLUMNS
from abm.analysis.summing import Analysis
from core.db import is_postgres

_AT_ONCE = 10_000
_SENT_AS = ((BigInteger, "int8"), (Integer, "int4"), (Float, "float8"), (Boolean, "bool"), (Date, "date"))
Slice = list[list[Any]]


def store_results(session: Session, *, run_id: int, factor: str, analysis: Analysis) -> None:
    """Insert the rows of a run that has none yet."""
    session.flush()
    table: Any = (AccountResult if factor == "account" else FactorResult).__table__
    names = ["run_id", *(["account_id"] if factor == "account" else ["thing_id", "key", "label"]), *STORED_COLUMNS]
    (_copy if is_postgres(session) else _insert)(session, table, names, _slices(run_id, factor, analysis))


def _slices(run_id: int, factor: str, analysis: Analysis) -> Iterator[Slice]:
    """The columns, some thousand rows at a time: as Python's own objects all of them would take a hundred megabytes."""
    for start in range(0, len(analysis.account_ids), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ids = analysis.account_ids[part]
        own: Slice = [[run_id] * len(ids), ids]
        if factor != "account":
            own += [analysis.external_ids[part], [label[:300] for label in analysis.labels[part]]]
        yield own + [plain(analysis.columns[name][part]) for name in STORED_COLUMNS]


def _copy(session: Session, table: Table, names: list[str], slices: Iterator[Slice]) -> None:
    """In binary form: most columns are numbers, and neither side then writes or reads them as text."""
    cursor = session.connection().connection.driver_connection.cursor()  # type: ignore[union-attr]
    with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_sent_as(table, name) for name in names])
        for part in slices:
            for row in zip(*part, strict=True):
                copy.write_row(row)


def _sent_as(table: Table, name: str) -> str:
    kind = table.columns[name].type
    return next((word for each, word in _SENT_AS if isinstance(kind, each)), "text")


def _insert(session: Session, table: Table, names: list[str], slices: Iterator[Slice]) -> None:
    # names and table are our own words, the values are bound
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    days = [place for place, name in enumerate(names) if isinstance(table.columns[name].type, Date)]
    cursor = session.connection().connection.cursor()
    for part in slices:
        for place in days:
            part[place] = [day.isoformat() if day else None for day in part[place]]
        cursor.executemany(statement, list(zip(*part, strict=True)))
