"""Reading a rollup of order days through the raw driver: millions of rows become arrays without an object per row.

Every statement yields `key` (id times 10 million plus the day's number), `orders` and a value. SQLite hands
over two numbers per row, and the few days with more than one order apart; PostgreSQL packs thousands of rows into one
binary value on its side.
"""

from array import array
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from abm.analysis.abc_xyz import Days, Ints
from core.db import is_postgres

SPAN = 10_000_000
_ROWS_AT_ONCE = 5_000
_JULIAN_EPOCH = 2440588
_PACKETS = 64


@dataclass(frozen=True)
class Statement:
    """Parts of a SELECT that we wrote ourselves: nothing in them comes from outside but numbers and ISO days."""

    id: str
    day: str
    value: str
    source: str
    is_whole: bool
    where: tuple[str, ...] = ()

    def rest(self, *more: str) -> str:
        conditions = (*self.where, *more)
        return f"FROM {self.source}" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")


@dataclass(frozen=True)
class Rows:
    """Sorted by id, then day. Days and orders take 32 bits: a large company's rollup has millions of rows."""

    id: Ints
    day: Days
    orders: Days
    value: NDArray[np.number]


def read_rows(session: Session, statement: Statement) -> Rows:
    """All rows of the statement."""
    read = _read_postgres if is_postgres(session) else _read_sqlite
    key, orders, value = read(session, statement)
    if key.size and not np.all(key[1:] > key[:-1]):
        order = np.argsort(key, kind="stable")
        key, orders, value = key[order], orders[order], value[order]
    ids = key // SPAN
    key -= ids * SPAN + _DAY_SHIFT
    return Rows(ids, key.astype(np.int32), orders, value)


# Days before 1970 are negative; the shift keeps every key's day part above zero.
_DAY_SHIFT = 5_000_000


def _cursor(session: Session) -> Any:
    return session.connection().connection.cursor()


def _read_sqlite(session: Session, part: Statement) -> tuple[Ints, Days, NDArray[np.number]]:
    key = f"{part.id} * {SPAN} + cast(julianday({part.day}) + 0.5 AS integer) + {_DAY_SHIFT - _JULIAN_EPOCH}"
    pairs = _numbers(session, f"SELECT {key}, {part.value} {part.rest()}", "q" if part.is_whole else "d")
    keys, value = pairs[:, 0].astype(np.int64), pairs[:, 1].copy()
    del pairs
    orders = np.ones(len(keys), dtype=np.int32)
    several = _numbers(session, f"SELECT {key}, orders {part.rest('orders <> 1')}", "q")
    if len(several):
        order = np.argsort(keys, kind="stable")
        orders[order[np.searchsorted(keys[order], several[:, 0])]] = several[:, 1]
    return keys, orders, value


def _numbers(session: Session, sql: str, kind: str) -> NDArray[np.number]:
    """Pairs of numbers, in a buffer that grows in its place: two copies of millions of rows would double the memory."""
    cursor = _cursor(session).execute(sql)
    buffer = array(kind)
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        buffer.extend(chain.from_iterable(rows))
    return np.frombuffer(buffer, dtype=kind).reshape(-1, 2) if buffer else np.empty((0, 2), dtype=kind)


def _read_postgres(session: Session, part: Statement) -> tuple[Ints, Days, NDArray[np.number]]:
    row = np.dtype([("key", ">i8"), ("orders", ">i4"), ("value", ">i8" if part.is_whole else ">f8")])
    send = "int8send" if part.is_whole else "float8send"
    key = f"{part.id} * {SPAN}::bigint + ({part.day} - date '1970-01-01') + {_DAY_SHIFT}"
    packed = f"int8send({key}) || int4send(orders::integer) || {send}({part.value})"
    sql = f"SELECT string_agg({packed}, ''::bytea) {part.rest()} GROUP BY {part.id} % {_PACKETS}"
    cursor = cast(Any, session.connection().connection).driver_connection.cursor(binary=True)
    arrays = [np.frombuffer(packet, dtype=row) for (packet,) in cursor.execute(sql)]
    rows = np.concatenate(arrays) if arrays else np.empty(0, dtype=row)
    value_kind = np.int64 if part.is_whole else np.float64
    return rows["key"].astype(np.int64), rows["orders"].astype(np.int32), rows["value"].astype(value_kind)
