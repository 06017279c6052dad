"""A word to SQLite about the order in which it joins tables; other databases are told nothing.

SQLite's planner does not weigh that a page needs fifty rows of many: it reads and sorts all of them.
"""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class _FromOutside(FunctionElement[Any]):
    inherit_cache = True
    name = "from_outside"


def from_outside(column: ColumnElement[Any] | QueryableAttribute[Any]) -> ColumnElement[Any]:
    """The column, where its table is to be read before the one it is compared with."""
    return _FromOutside(column)


@compiles(_FromOutside)
def _plain(element: _FromOutside, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(next(iter(element.clauses)), **more)


@compiles(_FromOutside, "sqlite")
def _for_sqlite(element: _FromOutside, compiler: SQLCompiler, **more: Any) -> str:
    """A term with a sign before it finds no row by an index of its own."""
    return f"+{_plain(element, compiler, **more)}"
