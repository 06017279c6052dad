"""Reading a body strictly: what two readers could understand differently is refused. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from abm.imports.layout import Layout
from campaigns.raw_fields import nearest
from core.errors import InvalidInput, Refused

DEEPEST, MOST_ROWS = 20, 1_000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class NotPlainJson(Refused):
    """A body that is not JSON, or that readers could understand differently."""


class Number(str):
    """A number as it was written, so that no digit is lost."""

    __slots__ = ()


def read_json(body: bytes) -> Any:
    """The value of a body; numbers as written. Raises NotPlainJson for anything but UTF-8, repeated names, NaN and
    Infinity, more than 20 levels."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotPlainJson("The body is not UTF-8") from error
    if _depth(text) > DEEPEST:
        raise NotPlainJson(f"The body is more than {DEEPEST} levels deep")
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant, parse_float=Number,
                          parse_int=Number)
    except ValueError as error:
        raise NotPlainJson(f"The body is not JSON: {error}") from error


def _depth(text: str) -> int:
    """How deep brackets stand, those in strings left out; told before anything is built."""
    deepest = depth = 0
    for sign in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if sign in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise NotPlainJson(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise NotPlainJson(f"{word} is not a number")


def read_list(value: Any, name: str) -> list[dict[str, Any]]:
    """The objects of `{name: [...]}`, which is all the body may hold. Raises InvalidInput."""
    if not isinstance(value, dict) or set(value) != {name} or not isinstance(value[name], list):
        raise InvalidInput(f'Send an object with the one name "{name}" and a list of objects')
    rows: list[dict[str, Any]] = value[name]
    if not 1 <= len(rows) <= MOST_ROWS or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f'"{name}" holds 1 to {MOST_ROWS:,} objects')
    return rows


def read_rows(rows: Sequence[Mapping[str, Any]], layout: Layout) -> tuple[list[str], list[list[str]]]:
    """Header and cells of rows that all have the same fields, all of them columns of the layout. null is an empty cell.
    Raises InvalidInput."""
    header = list(rows[0])
    for name in header:
        if name not in layout.names:
            near = nearest(name, list(layout.names))
            raise InvalidInput(f"There is no field {name!r}{near}", {name: "is not a field"})
    for number, row in enumerate(rows, 1):
        if set(row) != set(header):
            raise InvalidInput(f"Row {number} has other fields than row 1; a field that is left out keeps its value, "
                               "so rows of one call have the same fields")
    return header, [[_cell(row[name], name, number, layout) for name in header] for number, row in enumerate(rows, 1)]


def _cell(value: Any, name: str, number: int, layout: Layout) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise InvalidInput(f"Row {number}: {name} must be a text, a number or null", {name: "is not a plain value"})
    if not is_storable(value):
        raise InvalidInput(f"Row {number}: {name} holds characters that cannot be stored", {name: "cannot be stored"})
    is_number = layout.field(name).is_number
    if is_number and value and not _NUMBER.fullmatch(value):
        raise InvalidInput(f"Row {number}: {name} must be a number such as 1234.5", {name: "is not a number"})
    return value


def is_storable(text: str) -> bool:
    """Whether databases and files can keep the text: no NUL, no half of a character."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
