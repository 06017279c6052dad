"""The migrations make the tables that the models describe, on both databases."""

import warnings

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text

from abm.all_models import metadata
from abm.installation import schema
from bench.migrations import FIRST, fill, walk
from core import db
from core.settings import ROOT
from core.words import is_of_word_index


def test_there_is_one_newest_migration():
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.newest_revision()]


def test_an_upgraded_empty_database_has_the_tables_of_the_models(database):
    _remove_everything()
    schema.upgrade()
    with db.engine().connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={
            "include_name": lambda name, _kind, _parents: not is_of_word_index(name)}), metadata)
    _remove_migration_mark()
    assert differences == []


def test_rows_of_the_first_version_survive_the_way_to_the_newest_and_back(database):
    """The same walk over a million rows, with the seconds of each migration: `python -m bench.migrations`."""
    _remove_everything()
    outcome = walk(db.engine(), 400, is_there_and_back=True, is_each_timed=False)
    _remove_migration_mark()
    assert outcome.wrong == []


def test_a_table_that_a_migration_makes_anew_is_looked_at_again(database):
    if db.engine().dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks at new tables by itself")
    _remove_everything()
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        command.upgrade(config, FIRST)
    with db.engine().begin() as connection:
        fill(connection, 20)
        connection.exec_driver_sql("ANALYZE")
        known = set(connection.execute(text("SELECT tbl FROM sqlite_stat1")).scalars())
    schema.upgrade()
    with db.engine().connect() as connection:
        told = set(connection.execute(text("SELECT tbl FROM sqlite_stat1")).scalars())
    _remove_migration_mark()
    assert {"account", "contact", "delivery"} <= known <= told


def test_a_command_on_an_empty_database_makes_its_tables(database):
    _remove_everything()
    schema.prepare_for("import")
    assert schema.present_revision() == schema.newest_revision()
    _remove_migration_mark()


def _remove_everything() -> None:
    with db.engine().begin() as connection:
        found = MetaData()
        found.reflect(connection)
        found.drop_all(connection)


def _remove_migration_mark() -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
