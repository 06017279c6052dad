"""Rows for any table, made from what its metadata says: so that tables of tomorrow are tested, too."""

import itertools
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import JSON, Boolean, CheckConstraint, Date, Float, Integer, String, insert, select

from core.db import Money, UtcDateTime

_numbers = itertools.count(1000)
MOMENT = datetime(2026, 3, 9, 10, tzinfo=UTC)


def make_row(session, table, **given):
    """Insert a row with every column that must have a value; parents are made where a foreign key needs them."""
    values = dict(given)
    for column in table.columns:
        is_number = column.primary_key and isinstance(column.type, Integer) and not column.foreign_keys
        if column.name in values or column.nullable or (is_number and column.name == "id"):
            continue
        values[column.name] = _value(session, column)
    made = session.execute(insert(table).values(values).returning(*table.primary_key.columns)).mappings().one()
    return dict(made)


def _value(session, column):
    if column.foreign_keys:
        key = next(iter(column.foreign_keys)).column
        found = session.execute(select(key).order_by(key.desc()).limit(1)).scalar()
        return found if found is not None else make_row(session, key.table)[key.name]
    allowed = _allowed(column)
    number = next(_numbers)
    kinds = ((UtcDateTime, MOMENT), (Money, Decimal("12.5000")), (JSON, {}), (Boolean, False), (Float, 1.5),
             (Date, date(2026, 3, 9)), (String, f"x{number}"[: getattr(column.type, "length", None) or 50]))
    if allowed:
        return allowed
    return next((value for kind, value in kinds if isinstance(column.type, kind)), number)


def _allowed(column):
    """The first value of a check such as `state IN ('open','done')` or `strength BETWEEN 1 AND 3`."""
    for constraint in column.table.constraints:
        text = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
        listed = re.search(rf"\b{column.name} IN \('([^']+)'", text)
        if listed:
            return listed[1]
        between = re.search(rf"\b{column.name} BETWEEN (\d+)", text)
        if between:
            return int(between[1])
    return None


def snapshot(session, metadata, *, but=()):
    """Every row of every table, as one value that can be compared."""
    return {table.name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
            for table in metadata.sorted_tables if table.name not in but}
