"""Finding rows by the beginnings of their words, over an index of words that the database itself keeps true.

    index_words(Worded("contact", ("first_name", "last_name", "email")))
    select(Contact).where(has_words("contact", Contact.id, "ada love"))

A row is found when every word of what was typed begins a word in one of its columns; whatever is neither letter nor
digit parts words. PostgreSQL has a GIN index over the words of the columns, SQLite a full-text table without texts of
its own, followed by triggers. So nobody who writes can forget the index, and with a row go its words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    String,
    bindparam,
    event,
    false,
    inspect,
    literal_column,
    types,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from core.db import Base

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 8
_PARTING = "#&*+,-./:;<=>@\\_~"  # what PostgreSQL's parser would take for a part of addresses, numbers and tags
_worded: dict[str, "Worded"] = {}


@dataclass(frozen=True)
class Worded:
    """A table with a whole-number `id`, and the columns whose words are looked for."""

    table: str
    columns: tuple[str, ...]

    @property
    def index(self) -> str:
        return f"{self.table}_words"


def index_words(*tables: Worded) -> None:
    """Keep an index of these tables' words from the next upgrade of the database on."""
    for each in tables:
        _worded[each.table] = each


def split_words(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return _WORD.findall(text.lower())[:_MOST_WORDS]


def is_of_word_index(name: str | None) -> bool:
    """Whether a table or an index in the database belongs to an index of words: it is no part of the models."""
    return name is not None and any(name == one.index or name.startswith(f"{one.index}_") for one in _worded.values())


def has_words(table: str, key: ColumnElement[Any] | QueryableAttribute[Any], text: str, *,
              most: int | None = None) -> ColumnElement[bool]:
    """The condition that `key` is the id of a row of the table in which every word of the text begins a word; a text
    without words finds nothing. `most`: only among so many of the rows found, where any will do."""
    words = split_words(text)
    if not words:
        return false()
    limit: ColumnElement[Any] = literal_column("NULL" if most is None else str(int(most)))
    name: ColumnElement[Any] = literal_column(_worded[table].table)
    return _HasWords(key, bindparam(None, words, type_=_Query(), unique=True), name, limit)


def row_has_words(table: str, key: ColumnElement[Any] | QueryableAttribute[Any], text: str) -> ColumnElement[bool]:
    """The same, asked of each row as it is come across: for words that so many rows have that a page of them is found
    sooner along its order. The table must stand in the query under its own name."""
    words = split_words(text)
    if not words:
        return false()
    name: ColumnElement[Any] = literal_column(_worded[table].table)
    return _RowHasWords(key, bindparam(None, words, type_=_Query(), unique=True), name)


class _Query(types.TypeDecorator[list[str]]):
    """Words as each database asks for words that begin so."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str:
        is_postgres = dialect.name == "postgresql"
        return (" & " if is_postgres else " ").join(
            f"'{word}':*" if is_postgres else f'"{word}"*' for word in value or ())


class _HasWords(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()
    name = "has_words"

    def self_group(self, against: Any = None) -> "_HasWords":
        """As it is: SQLite would else be asked whether the condition `= 1`, and would look at every row."""
        return self


class _RowHasWords(_HasWords):
    inherit_cache = True
    name = "row_has_words"


@compiles(_RowHasWords, "postgresql")
def _of_row_for_postgres(element: _RowHasWords, compiler: SQLCompiler, **more: Any) -> str:
    _key, query, table = (compiler.process(part, **more) for part in element.clauses)
    return f"({_vector(_worded[table], f'{table}.')} @@ to_tsquery('simple', {query}))"


@compiles(_RowHasWords)
def _of_row_for_sqlite(element: _RowHasWords, compiler: SQLCompiler, **more: Any) -> str:
    """A sign before the key keeps the planner from beginning with the words."""
    key, query, table = (compiler.process(part, **more) for part in element.clauses)
    index = _worded[table].index
    return f"(+{key} IN (SELECT w.rowid FROM {index} w WHERE w.{index} MATCH {query}))"  # noqa: S608 - names of areas


@compiles(_HasWords, "postgresql")
def _for_postgres(element: _HasWords, compiler: SQLCompiler, **more: Any) -> str:
    key, query, table, limit = (compiler.process(part, **more) for part in element.clauses)
    found = f"SELECT w.id FROM {table} w WHERE {_vector(_worded[table])} @@ to_tsquery('simple', {query}) LIMIT {limit}"  # noqa: S608
    return f"({key} IN ({found}))"


@compiles(_HasWords)
def _for_sqlite(element: _HasWords, compiler: SQLCompiler, **more: Any) -> str:
    key, query, table, limit = (compiler.process(part, **more) for part in element.clauses)
    index = _worded[table].index
    limited = "" if limit == "NULL" else f" LIMIT {limit}"
    return f"({key} IN (SELECT w.rowid FROM {index} w WHERE w.{index} MATCH {query}{limited}))"  # noqa: S608


def _vector(one: Worded, before: str = "") -> str:
    joined = " || ' ' || ".join(f"coalesce({before}{column}, '')" for column in one.columns)
    return f"to_tsvector('simple', translate({joined}, '{_PARTING}', '{' ' * len(_PARTING)}'))"


def install_word_indexes(connection: Connection) -> None:
    """Make what is missing. Migrations that copy a table on SQLite drop its triggers, so this ends each upgrade."""
    present = set(inspect(connection).get_table_names())
    for one in _worded.values():
        if one.table not in present:
            continue
        if connection.dialect.name == "postgresql":
            made = f"CREATE INDEX IF NOT EXISTS {one.index} ON {one.table} USING gin ({_vector(one)})"
            connection.exec_driver_sql(made)
        else:
            for statement in _sqlite_statements(one, is_new=one.index not in present):
                connection.exec_driver_sql(statement)


def forget_removed_words() -> list[str]:
    """Statements by which SQLite's indexes drop the words of rows that are gone: until then they stay readable in the
    file, marked as removed."""
    return [f"INSERT INTO {one.index} ({one.index}) VALUES ('optimize')" for one in _worded.values()]  # noqa: S608


def _sqlite_statements(one: Worded, *, is_new: bool) -> Iterator[str]:
    """The table of words refers to the columns of the table itself; the triggers say what was there before."""
    columns, index = ", ".join(one.columns), one.index
    if is_new:
        yield (f"CREATE VIRTUAL TABLE {index} USING fts5({columns}, content='{one.table}', content_rowid='id', "
               "detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 0')")
        yield f"INSERT INTO {index} ({index}) VALUES ('rebuild')"  # noqa: S608 - constants of the areas
    old, new = (", ".join(f"{side}.{column}" for column in one.columns) for side in ("OLD", "NEW"))
    leave = f"INSERT INTO {index} ({index}, rowid, {columns}) VALUES ('delete', OLD.id, {old});"  # noqa: S608
    enter = f"INSERT INTO {index} (rowid, {columns}) VALUES (NEW.id, {new});"  # noqa: S608
    differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in ("id", *one.columns))
    events = {"insert": ("", enter), "delete": ("", leave), "update": (f" WHEN {differs}", leave + " " + enter)}
    for kind, (when, done) in events.items():
        yield f"DROP TRIGGER IF EXISTS {index}_{kind}"
        yield f"CREATE TRIGGER {index}_{kind} AFTER {kind} ON {one.table} FOR EACH ROW{when} BEGIN {done} END"


@event.listens_for(Base.metadata, "after_create")
def _index_new_tables(_target: Any, connection: Connection, **_options: Any) -> None:
    install_word_indexes(connection)
