"""A limit for questions whose cost the asker decides (rules of lists): the database itself breaks them off."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db import is_postgres
from core.errors import TookTooLong

_STEPS_BETWEEN_LOOKS = 20_000
_CANCELLED = "57014"


@contextmanager
def time_limit(session: Session, seconds: float) -> Iterator[None]:
    """Statements inside end after so many seconds (each on PostgreSQL, all together on SQLite) with TookTooLong; the
    session can be used on."""
    limited = _on_postgres if is_postgres(session) else _on_sqlite
    try:
        with limited(session, seconds):
            yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _CANCELLED and "interrupted" not in str(error.orig):
            raise
        raise TookTooLong(f"This takes the database more than {seconds:g} seconds; ask for less at once") from error


@contextmanager
def _on_postgres(session: Session, seconds: float) -> Iterator[None]:
    with session.begin_nested():
        session.execute(text(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"))
        yield
        session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


@contextmanager
def _on_sqlite(session: Session, seconds: float) -> Iterator[None]:
    driver = session.connection().connection.driver_connection
    assert driver is not None
    deadline = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
