"""Inserting many rows at once where some may be there already."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.db import Base, is_postgres


def insert_ignoring(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that no unique constraint forbids, in the given order; every row names the same columns."""
    if not rows:
        return
    if is_postgres(session):
        # RETURNING lets the driver send a thousand rows per statement instead of one.
        first_key = inspect(table).primary_key[0]
        statement: Any = postgres_insert(table).on_conflict_do_nothing().returning(first_key)
    else:
        statement = sqlite_insert(table).on_conflict_do_nothing()
    session.connection().execute(statement, list(rows))


def insert_returning(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]],
                     *columns: InstrumentedAttribute[Any]) -> list[tuple[Any, ...]]:
    """As `insert_ignoring`; these columns of the rows that were really inserted, in no order."""
    if not rows:
        return []
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    statement: Any = insert(table).on_conflict_do_nothing().returning(*columns)
    return [tuple(row) for row in session.connection().execute(statement, list(rows))]
