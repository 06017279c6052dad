"""A writer's turn on SQLite, which has one writer at a time.

SQLite's own waiting sleeps up to 100 ms between two looks, so that beside a busy writer somebody misses turn after turn
and waits for a second. Who waits here looks every few milliseconds, at random, so that all get their turn alike.
"""

import random
import sqlite3
import time

from sqlalchemy import Connection

PATIENCE_SECONDS = 30.0
BUSY_MILLISECONDS = 30_000  # how long everything else waits
_LOOK_EVERY = (0.001, 0.008)
_PRIMARY_CODE = 0xFF


def begin_writing(connection: Connection) -> None:
    """Begin a transaction that holds the write lock. Raises OperationalError: "locked" when patience ends."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA busy_timeout=0")
    try:
        if not _wait_for_turn(driver):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # which says what is wrong, without waiting once more
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _wait_for_turn(driver: sqlite3.Connection) -> bool:
    """True: begun. False: another writer stayed for as long as we wait, or something else is wrong."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        try:
            driver.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                return False
        time.sleep(random.uniform(*_LOOK_EVERY))  # noqa: S311 - no secret
    return False
