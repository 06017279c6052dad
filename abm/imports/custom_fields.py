"""Custom fields from a file join those that a row already has; one that is None takes the field away."""

from typing import Any

from sqlalchemy import ColumnElement, Table, case, func, literal_column, select

from abm.imports.staging import Stage


def merged_custom(stage: Stage, table: Table) -> ColumnElement[Any]:
    """What `table.custom` becomes for a staged row (both have `external_id`): the stored JSON unless it differs."""
    kept, rows = table.alias("kept"), stage.rows
    existing = select(kept.c.custom).where(kept.c.external_id == rows.c.external_id).correlate(rows).scalar_subquery()
    nothing: ColumnElement[Any] = literal_column("'{}'::jsonb" if stage.is_postgres else "'{}'")
    if stage.is_postgres:
        return func.jsonb_strip_nulls(func.coalesce(existing, nothing).op("||")(rows.c.custom))
    merged = func.json_patch(func.coalesce(existing, nothing), rows.c.custom)
    return case((func.json(existing) == merged, existing), else_=merged)
