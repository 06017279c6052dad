"""Inserting many rows at once where some may be there already: one INSERT … SELECT over the rows as one parameter.

Binding every value of every row through the drivers costs several times more than the insert itself.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.value_rows import moment_text, to_rows, value_rows
from core.db import Base


def insert_ignoring(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that no unique constraint forbids, in the given order; every row names the same columns."""
    _insert(session, model, rows, "")


def insert_returning(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]],
                     *columns: InstrumentedAttribute[Any]) -> list[Row[*tuple[Any, ...]]]:
    """As `insert_ignoring`; these columns of the rows that were really inserted, in no order."""
    return _insert(session, model, rows, "RETURNING " + ", ".join(column.key for column in columns))


def _insert(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]],
            returning: str) -> list[Row[*tuple[Any, ...]]]:
    if not rows:
        return []
    table = _table(model)
    names = tuple(rows[0])
    defaults = {name: value for name, value in _defaults(table).items() if name not in names}
    types = {name: _type(table, name) for name in names}
    into = ", ".join(f'"{name}"' for name in (*names, *defaults))
    chosen = ", ".join([*(f'v."{name}"' for name in types), *(f":default_{name}" for name in defaults)])
    statement = moment_text(
        f'INSERT INTO "{table.name}" ({into}) SELECT {chosen} FROM {value_rows(session, types)} '  # noqa: S608 - our names
        f"WHERE true ON CONFLICT DO NOTHING {returning}")
    done = session.connection().execute(statement, {"rows": to_rows(session, rows),
                                                    **{f"default_{name}": value for name, value in defaults.items()}})
    return list(done) if returning else []


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@lru_cache(maxsize=32)
def _defaults(table: Table) -> Mapping[str, Any]:
    """What the model gives a column that is not named; columns that the database fills itself are left to it."""
    return {column.name: getattr(column.default, "arg", None) for column in table.columns
            if column.default is not None and column.default.is_scalar and column.server_default is None}


@lru_cache(maxsize=256)
def _type(table: Table, name: str) -> str:
    return str(table.columns[name].type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
