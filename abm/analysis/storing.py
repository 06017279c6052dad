"""Storing a row per account (or other thing) of a run through the raw driver: COPY on PostgreSQL, executemany on
SQLite, since building a statement per row would take longer than the analysis itself."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from abm.analysis.computing import plain
from abm.analysis.results import STORED_COLUMNS
from abm.analysis.summing import Analysis
from core.db import is_postgres

_AT_ONCE = 10_000
Slice = list[list[Any]]


def store_results(session: Session, *, run_id: int, factor: str, analysis: Analysis) -> None:
    """Insert the rows of a run that has none yet."""
    session.flush()
    table, names = "account_result", ["run_id", "account_id"]
    if factor != "account":
        table, names = "factor_result", ["run_id", "thing_id", "key", "label"]
    (_copy if is_postgres(session) else _insert)(
        session, table, [*names, *STORED_COLUMNS], _slices(run_id, factor, analysis))


def _slices(run_id: int, factor: str, analysis: Analysis) -> Iterator[Slice]:
    """The columns, some thousand rows at a time: as Python's own objects all of them would take a hundred megabytes."""
    for start in range(0, len(analysis.account_ids), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ids = analysis.account_ids[part]
        own: Slice = [[run_id] * len(ids), ids]
        if factor != "account":
            own += [analysis.external_ids[part], [label[:300] for label in analysis.labels[part]]]
        yield own + [_stored(analysis.columns[name][part]) for name in STORED_COLUMNS]


def _stored(values: Any) -> list[Any]:
    """As both drivers take it; days as ISO text."""
    return np.datetime_as_string(values, unit="D").tolist() if values.dtype.kind == "M" else plain(values)


def _copy(session: Session, table: str, names: list[str], slices: Iterator[Slice]) -> None:
    cursor = session.connection().connection.driver_connection.cursor()  # type: ignore[union-attr]
    with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for part in slices:
            for row in zip(*part, strict=True):
                copy.write_row(row)


def _insert(session: Session, table: str, names: list[str], slices: Iterator[Slice]) -> None:
    # names and table are our own words, the values are bound
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    cursor = session.connection().connection.cursor()
    for part in slices:
        cursor.executemany(statement, list(zip(*part, strict=True)))
