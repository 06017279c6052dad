"""Rows of plain values as a table inside one SQL statement, so that a slice is recorded by one UPDATE."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.orm import Session

from core.db import UtcDateTime, is_postgres

_WITHOUT_ZONE = len("2026-01-31 12:00:00.000000")


def value_rows(session: Session, columns: Mapping[str, str], *, name: str = "rows") -> str:
    """A FROM item `(…) AS v` over the parameter `name`, made by `to_rows`. Columns: name to PostgreSQL type."""
    if is_postgres(session):
        typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        return f"jsonb_to_recordset(CAST(:{name} AS jsonb)) AS v({typed})"
    picked = ", ".join(f"json_extract(value, '$.{column}') AS \"{column}\"" for column in columns)
    return f"(SELECT {picked} FROM json_each(:{name})) AS v"  # noqa: S608 - column names are ours


def to_rows(session: Session, rows: Iterable[Mapping[str, object]]) -> str:
    """The parameter for `value_rows`; moments become what the database compares its own with."""
    listed = list(rows)
    write, option = (_for_postgres, None) if is_postgres(session) else (_for_sqlite, orjson.OPT_PASSTHROUGH_DATETIME)
    try:
        return orjson.dumps(listed, default=write, option=option).decode()
    except orjson.JSONEncodeError:  # half a surrogate pair or a number beyond 64 bits, which only the slow way writes
        return json.dumps(listed, default=write)


@lru_cache(maxsize=256)
def moment_text(sql: str, *moments: str) -> TextClause:
    """A textual statement whose parameters `moments` are aware datetimes, made once: sending repeats the same few."""
    return text(sql).bindparams(*(bindparam(moment, type_=UtcDateTime) for moment in moments))


@lru_cache(maxsize=1024)
def _for_sqlite(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"not a plain value: {value!r}")
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


def _for_postgres(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"not a plain value: {value!r}")
    return value.isoformat()
