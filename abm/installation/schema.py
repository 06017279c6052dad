"""Bringing the database to this version's tables."""

import re

from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from abm.targets.tracking import install_tracking
from abm.wiring import load_list_fields
from core import db
from core.errors import CannotRun
from core.settings import ROOT, settings
from core.words import install_word_indexes

_REVISION = re.compile(r"^revision(?:: str)? = ['\"]([^'\"]+)", re.MULTILINE)
_FOLLOWS = re.compile(r"^down_revision(?:: [^=]+)? = ['\"]([^'\"]+)", re.MULTILINE)
# Commands that look after the database themselves, or do not need it.
_ON_THEIR_OWN = frozenset({"db", "start", "stop", "doctor", "restore"})


def upgrade() -> None:
    """Run the migrations that are missing. Raises CannotRun when the database cannot be reached."""
    load_list_fields()
    import warnings

    from alembic import command
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            known = _list_known()
            command.upgrade(config, "head")
            lost = sorted(known - _list_known())
            with db.transaction() as session:
                install_tracking(session.connection())
                install_word_indexes(session.connection())
                present = inspect(session.connection())
                db.refresh_statistics(session, *(table for table in lost if present.has_table(table)))
        except OperationalError as error:
            raise CannotRun(f"The database cannot be reached, check ABM_DATABASE_URL: {_short(error)}") from error


def _list_known() -> set[str]:
    """The tables of which SQLite has statistics. A migration that makes a table anew takes them away, and its queries
    would be planned blindly until somebody looks at it again; PostgreSQL does so by itself."""
    with db.engine().execution_options(sqlite_begin="BEGIN").connect() as connection:
        if connection.dialect.name != "sqlite" or not inspect(connection).has_table("sqlite_stat1"):
            return set()
        return set(connection.execute(text("SELECT DISTINCT tbl FROM sqlite_stat1")).scalars())


def present_revision() -> str | None:
    """The revision of the database; None when it has no tables of ours. Raises CannotRun."""
    try:
        with db.engine().execution_options(sqlite_begin="BEGIN").connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        raise CannotRun(f"The database cannot be reached, check ABM_DATABASE_URL: {_short(error)}") from error


def is_without_users() -> bool:
    """Nobody can sign in yet: a new installation."""
    with db.engine().execution_options(sqlite_begin="BEGIN").connect() as connection:
        return connection.execute(text("SELECT 1 FROM app_user LIMIT 1")).first() is None


def was_cut_off() -> bool:
    """Something died while it was sending: batches that it had claimed are still open."""
    with db.engine().execution_options(sqlite_begin="BEGIN").connect() as connection:
        return connection.execute(text("SELECT 1 FROM batch WHERE is_open LIMIT 1")).first() is not None


def newest_revision() -> str:
    """The revision this version of the code expects: the one no other follows, read from the files, since importing
    Alembic takes longer than the whole question."""
    sources = [path.read_text("utf-8") for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py")]
    names = {match[1] for source in sources if (match := _REVISION.search(source))}
    followed = {match[1] for source in sources if (match := _FOLLOWS.search(source))}
    (newest,) = names - followed
    return newest


def prepare_for(command: str) -> None:
    """Before a command: an empty or an old embedded database is brought up to date, an old server's is refused."""
    if command in _ON_THEIR_OWN:
        return
    present = present_revision()
    if present == newest_revision():
        return
    if present is not None and not settings().is_sqlite:
        raise CannotRun("The database is of another version of the product; run `abm db upgrade` first")
    upgrade()


def _short(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
