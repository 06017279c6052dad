"""`column IN (many ids)` with the ids as one parameter.

An IN list of hundreds of parameters costs the drivers and both query parsers several times more than the lookup itself.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, String, bindparam, types
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class _Numbers(types.UserDefinedType[list[Any]]):
    """The written form of an array: PostgreSQL reads it far quicker than the driver writes one number by number. Of no
    type that the dialect knows, so that it adds no cast of its own and a planner sees the array."""

    cache_ok = True

    def __init__(self, as_texts: bool = False) -> None:
        super().__init__()
        self.as_texts = as_texts

    def bind_processor(self, dialect: Dialect) -> Callable[[list[Any] | None], str]:
        if dialect.name == "postgresql":
            return lambda ids: f"{{{_listed(ids)}}}"
        if self.as_texts:
            return lambda ids: json.dumps([str(int(one)) for one in ids or ()])
        return lambda ids: f"[{_listed(ids)}]"


def _listed(ids: list[Any] | None) -> str:
    return ",".join([str(int(one)) for one in ids or ()])


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()
    name = "among"

    def self_group(self, against: Any = None) -> "_Among":
        """As it is: SQLite would else be asked whether the condition `= 1`, and would look at every row."""
        return self


def is_among(column: ColumnElement[Any] | InstrumentedAttribute[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """The condition that `column` is one of these whole numbers; a text column is compared with their digits."""
    return _Among(column, bindparam(None, list(ids), type_=_numbers_for(column), unique=True))


def is_among_given(column: ColumnElement[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """As `is_among`, in a statement that is made once: the numbers are its parameter `name`, a list."""
    return _Among(column, bindparam(name, type_=_numbers_for(column)))


def _numbers_for(column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> _Numbers:
    return _Numbers(as_texts=isinstance(column.type, String))


@compiles(_Among, "postgresql")
def _for_postgres(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    kind = "text" if isinstance(element.clauses.clauses[0].type, String) else "bigint"
    return f"({column} = ANY (CAST({numbers} AS {kind}[])))"


@compiles(_Among)
def _for_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({numbers})))"  # noqa: S608 - compiled parts
