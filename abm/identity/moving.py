"""Moving rows from one account (or person) to another, with a note of every step so that it can be taken back.

Works on any table by what the metadata says of it: no area has to know that there are merges. Large tables are moved
and noted in two statements; tables whose key is not one number are few rows for one account, noted row by row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.identity.models import MergeStep
from abm.identity.stored import to_json
from core.db import Base, is_postgres


@dataclass
class Move:
    """One merge under way: from `dropped` to `kept`. `counts` collects rows moved by table."""

    session: Session
    merge_id: int
    kept: int
    dropped: int
    contact_id: int | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, table: Table, **more: Any) -> None:
        self.session.execute(insert(MergeStep).values(
            merge_id=self.merge_id, kind=kind, table_name=table.name, contact_id=self.contact_id, **more))

    def count(self, table: Table, rows: int) -> None:
        if rows:
            self.counts[table.name] = self.counts.get(table.name, 0) + rows


def find_column(name: str) -> Column[Any]:
    """`task.account_id` -> the column."""
    table, column = name.split(".")
    return Base.metadata.tables[table].c[column]


def has_number(table: Table) -> bool:
    """Whether rows are known by one whole number called id."""
    return [column.name for column in table.primary_key.columns] == ["id"]


def key_of(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The primary key of a row."""
    return to_json({column.name: row[column.name] for column in table.primary_key.columns})


def is_row(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def move_rows(move: Move, column: Column[Any], only: ColumnElement[bool] | None = None) -> None:
    """Point every row that `column` points at the dropped one to the kept one."""
    table = column.table
    chosen = column == move.dropped if only is None else and_(column == move.dropped, only)
    if has_number(table):
        noted = select(literal(move.merge_id), literal("moved"), literal(table.name), literal(column.name), table.c.id,
                       literal(move.contact_id, MergeStep.__table__.c.contact_id.type)).where(chosen)
        move.session.connection().execute(insert(MergeStep).from_select(
            ["merge_id", "kind", "table_name", "column_name", "row_id", "contact_id"], noted, include_defaults=False))
    else:
        for row in rows_of(move.session, table, chosen):
            key = key_of(table, {**row, column.name: move.kept})
            move.note("moved", table, column_name=column.name, row_key=key)
    moved = move.session.connection().execute(update(table).where(chosen).values({column.name: move.kept}))
    move.count(table, moved.rowcount)


def move_rows_unless_present(move: Move, column: Column[Any], among: ColumnElement[bool] | None = None) -> None:
    """The same where the kept one may have a row of its own already: that one stays, the other is set aside. `among`
    holds for every row, and helps the database to find them where no index begins with the column."""
    table = column.table
    among = true() if among is None else among
    for others, only in unique_partners(column):
        twin = table.alias("twin")
        has_twin = exists().where(twin.c[column.name] == move.kept, *(is_met(twin, one) for one in only),
                                  *(twin.c[name].is_not_distinct_from(table.c[name]) for name in others))
        remove_rows(move, table, and_(column == move.dropped, among, *(is_met(table, one) for one in only), has_twin))
    move_rows(move, column, among)


def fill_row(move: Move, column: Column[Any]) -> None:
    """The kept one's row takes what it leaves empty from the dropped one's, which is set aside; or the row moves."""
    table = column.table
    rows = {row[column.name]: row for row in rows_of(move.session, table, column.in_((move.kept, move.dropped)))}
    kept, dropped = rows.get(move.kept), rows.get(move.dropped)
    if kept is not None and dropped is not None:
        remove_rows(move, table, column == move.dropped)
        change_row(move, table, kept, {name: value for name, value in dropped.items()
                                       if kept[name] in (None, "") and value not in (None, "")})
    elif dropped is not None:
        move_rows(move, column)


Condition = tuple[str, str | None]


def unique_partners(column: Column[Any]) -> Iterator[tuple[Sequence[str], Sequence[Condition]]]:
    """For every unique set that `column` is part of the other columns, and the conditions of a partial one."""
    table = column.table
    sets: list[tuple[Sequence[Column[Any]], Sequence[Condition]]] = [(list(table.primary_key.columns), ())]
    sets += [(list(one.columns), ()) for one in table.constraints if isinstance(one, UniqueConstraint)]
    sets += [(list(one.columns), _conditions(one)) for one in table.indexes if one.unique]
    for columns, only in sets:
        if column in columns:
            yield [one.name for one in columns if one is not column], only


def _conditions(index: Index) -> Sequence[Condition]:
    """Of a partial index: `left_at IS NULL` -> (left_at, None); `kind = 'id'` -> (kind, id)."""
    where = index.dialect_options["sqlite"].get("where")
    text = "" if where is None else str(where)
    found = [re.fullmatch(r"(\w+) (?:IS NULL|= '(\w+)')", part.strip()) for part in text.split(" AND ")] if text else []
    if None in found:
        raise NotImplementedError(f"{index.name}: merging does not know the condition {text}")
    return [(one[1], one[2]) for one in found if one]


def is_met(table: Any, condition: Condition) -> ColumnElement[bool]:
    name, value = condition
    met: ColumnElement[bool] = table.c[name].is_(None) if value is None else table.c[name] == value
    return met


def rows_of(session: Session, table: Table, chosen: ColumnElement[bool]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(select(table).where(chosen)).mappings()]


def remove_rows(move: Move, table: Table, chosen: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Take rows away and keep them whole in the note; answers them."""
    rows = rows_of(move.session, table, chosen)
    for row in rows:
        move.note("removed", table, row_key=key_of(table, row), before=to_json(row))
        own = {column.name: row[column.name] for column in table.primary_key.columns}
        move.session.execute(delete(table).where(is_row(table, own)))
    return rows


def change_row(move: Move, table: Table, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set some columns of a row; the note has what they were and what they became."""
    differing = {name: value for name, value in values.items() if row[name] != value}
    if not differing:
        return
    key = {column.name: row[column.name] for column in table.primary_key.columns}
    before = to_json({name: row[name] for name in differing})
    move.session.execute(update(table).where(is_row(table, key)).values(differing))
    new_key = to_json({name: differing.get(name, value) for name, value in key.items()})
    move.note("changed", table, row_key=new_key, before=before, after=to_json(differing))


def add_row(move: Move, table: Table, values: Mapping[str, Any]) -> None:
    """Make a row that an undone merge takes away again."""
    made = move.session.execute(insert(table).values(values).returning(*table.primary_key.columns)).mappings().one()
    move.note("added", table, row_key=to_json(dict(made)))


def put_row(session: Session, table: Table, values: Mapping[str, Any]) -> None:
    """Put a row back as it was, unless another one has its place by now."""
    insert_here = postgres_insert if is_postgres(session) else sqlite_insert
    session.connection().execute(insert_here(table).values(values).on_conflict_do_nothing())
