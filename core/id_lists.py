"""`column IN (many ids)` with the ids as one parameter.

An IN list of hundreds of parameters costs the drivers and both query parsers several times more than the lookup itself.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, String, bindparam, types
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class _Numbers(types.TypeDecorator[list[int]]):
    """Whole numbers as one text: an array for PostgreSQL, JSON for SQLite."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> str:
        inner = ",".join(map(str, map(int, value or ())))
        return f"{{{inner}}}" if dialect.name == "postgresql" else f"[{inner}]"


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()
    name = "among"


class _AmongTexts(_Among):
    """For a text column that holds ids as digits."""

    inherit_cache = True
    name = "among_texts"


def is_among(column: ColumnElement[Any] | InstrumentedAttribute[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """The condition that `column` is one of these whole numbers; a text column is compared with their digits."""
    numbers = bindparam(None, list(ids), type_=_Numbers(), unique=True)
    return (_AmongTexts if isinstance(column.type, String) else _Among)(column, numbers)


@compiles(_Among, "postgresql")
def _for_postgres(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    kind = "TEXT" if isinstance(element, _AmongTexts) else "BIGINT"
    return f"({column} = ANY (CAST({numbers} AS {kind}[])))"


@compiles(_Among)
def _for_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    value = "CAST(value AS TEXT)" if isinstance(element, _AmongTexts) else "value"
    return f"({column} IN (SELECT {value} FROM json_each({numbers})))"  # noqa: S608 - compiled parts
