"""Alembic's entry: migrates the database that the product's settings name, with the product's own engine."""

from alembic import context

from abm.all_models import metadata
from core.db import engine

with engine().connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True,
                      transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
