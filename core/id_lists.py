"""`column IN (many ids)` with the ids as one parameter.

An IN list of hundreds of parameters costs the drivers and both query parsers several times more than the lookup itself.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Dialect, String, Text, bindparam, types
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class _Numbers(types.TypeDecorator[list[Any]]):
    """A real array for PostgreSQL, which a planner can count; JSON for SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, *, as_texts: bool) -> None:
        super().__init__()
        self.as_texts = as_texts

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        kind = ARRAY(Text() if self.as_texts else BigInteger()) if dialect.name == "postgresql" else String()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        numbers: list[Any] = [str(int(one)) if self.as_texts else int(one) for one in value or ()]
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()
    name = "among"

    def self_group(self, against: Any = None) -> "_Among":
        """As it is: SQLite would else be asked whether the condition `= 1`, and would look at every row."""
        return self


def is_among(column: ColumnElement[Any] | InstrumentedAttribute[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """The condition that `column` is one of these whole numbers; a text column is compared with their digits."""
    type_ = _Numbers(as_texts=isinstance(column.type, String))
    return _Among(column, bindparam(None, list(ids), type_=type_, unique=True))


@compiles(_Among, "postgresql")
def _for_postgres(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    return f"({column} = ANY ({numbers}))"


@compiles(_Among)
def _for_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, numbers = (compiler.process(part, **more) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({numbers})))"  # noqa: S608 - compiled parts
