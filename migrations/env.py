"""Alembic's entry: migrates the database that the product's settings name, with the product's own engine."""

from typing import Any

from alembic import context

from abm.all_models import metadata
from core import db
from core.words import is_of_word_index

_OUR_TYPES = {id(db.Id): "core.db.Id", id(db.Json): "core.db.Json"}


def _our_type(kind: str, item: Any, _autogenerate: Any) -> str | bool:
    """Write our own column types by name, so that a migration reads like the models."""
    if kind != "type":
        return False
    if isinstance(item, db.UtcDateTime | db.Money):
        return f"core.db.{type(item).__name__}()"
    return _OUR_TYPES.get(id(item), False) or ("core.db.Json" if type(item) is type(db.Json) else False)


with db.engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
        render_item=_our_type,
        include_name=lambda name, _kind, _parents: not is_of_word_index(name),
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
