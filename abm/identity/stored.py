"""Rows of any table as JSON and back, so that an undone merge puts back exactly what was there. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Table
from sqlalchemy.types import TypeEngine

from core.db import Money, UtcDateTime


def to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a row (or of some of its columns) in a form that JSON keeps exactly."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def from_json(table: Table, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the table's columns take them; columns that the table no longer has are left out."""
    return {name: _typed(table.c[name].type, value) for name, value in stored.items() if name in table.c}


def _typed(kind: TypeEngine[Any], value: Any) -> Any:
    if value is None or isinstance(kind, JSON):
        return value
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Money):
        return Decimal(value)
    return date.fromisoformat(value) if kind.python_type is date else value
