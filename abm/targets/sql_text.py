"""Text in SQL that means the same on both databases: comparison without case, patterns, custom fields out of JSON."""

from typing import Any

from sqlalchemy import ColumnElement, Float, Text, case, cast, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_NUMBER = "^-?[0-9]{1,15}([.][0-9]{1,15})?$"
_ISO_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"


class unicode_lower(FunctionElement[str]):
    """Lower case of every letter, not of ASCII only."""

    type = Text()
    inherit_cache = True


@compiles(unicode_lower, "postgresql")
def _lower_on_postgres(element: unicode_lower, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(unicode_lower)
def _lower_on_sqlite(element: unicode_lower, compiler: SQLCompiler, **options: Any) -> str:
    return f"unicode_lower({compiler.process(element.clauses, **options)})"


class json_text(FunctionElement[str]):
    """The value under a key of a JSON column, as text; true and false as such."""

    type = Text()
    inherit_cache = True


@compiles(json_text, "postgresql")
def _json_on_postgres(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} ->> {key})"


@compiles(json_text)
def _json_on_sqlite(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(each, **options) for each in element.clauses)
    path = f"""'$."' || {key} || '"'"""
    return (f"CASE json_type({column}, {path}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
            f"ELSE CAST(json_extract({column}, {path}) AS TEXT) END")


def custom_text(column: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    return json_text(column, literal(key, Text()))


def equals(text: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    own, wanted = _folded(text, value)
    return own.in_(wanted)


def is_one_of(text: ColumnElement[Any], values: tuple[str, ...]) -> ColumnElement[bool]:
    own, wanted = _folded(text, *values)
    return own.in_(wanted)


def _folded(text: ColumnElement[Any], *values: str) -> tuple[ColumnElement[Any], list[Any]]:
    """Column and values in lower case. Where all values are ASCII the plain function does, and is much quicker; else
    the database lowers both sides, since databases and Python differ on a few letters."""
    if all(value.isascii() for value in values):
        return func.lower(text), [value.lower() for value in values]
    return unicode_lower(text), [unicode_lower(literal(value, Text())) for value in values]


def like(text: ColumnElement[Any], value: str, *, anywhere: bool) -> ColumnElement[bool]:
    """Contains or starts with; `%` and `_` stand for themselves."""
    literally = value.replace("/", "//").replace("%", "/%").replace("_", "/_")
    own, wanted = _folded(text, f"%{literally}%" if anywhere else f"{literally}%")
    return own.like(wanted[0], escape="/")


def as_number(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The number that the text is, NULL when it is none."""
    trimmed = func.trim(text)
    return case((trimmed.regexp_match(_NUMBER), cast(trimmed, Float(53))))


def as_iso_day(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The first ten characters of an ISO day or moment, which sort by time; NULL when it is none."""
    trimmed = func.trim(text)
    return case((trimmed.regexp_match(_ISO_DAY), func.substr(trimmed, 1, 10)))
