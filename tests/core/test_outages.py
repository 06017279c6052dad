"""Which failures of a database are outages, and what is said about them."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from core.outages import outage_of


@pytest.mark.parametrize(("error", "words"), [
    (sqlite3.OperationalError("database or disk is full"), "disk"),
    (sqlite3.OperationalError("disk I/O error"), "disk"),
    (sqlite3.OperationalError("database is locked"), "Try again in a moment"),
    (sqlite3.OperationalError("interrupted"), "broken off"),
    (sqlite3.OperationalError("no such table: x"), None),
    (psycopg.OperationalError("connection refused"), "does not answer"),
    (psycopg.errors.AdminShutdown("terminating connection"), "does not answer"),
    (psycopg.errors.TooManyConnections("too many"), "does not answer"),
    (psycopg.errors.DiskFull("no space left"), "disk"),
    (psycopg.errors.UndefinedTable("no such table"), None),
    (psycopg.errors.QueryCanceled("statement timeout"), None),
])
def test_what_is_said(error: Exception, words: str | None) -> None:
    kind = OperationalError if isinstance(error, sqlite3.OperationalError | psycopg.OperationalError) else DBAPIError
    said = outage_of(kind("SELECT 1", {}, error))
    assert said is None if words is None else words in (said or "")


def test_a_connection_that_was_cut_in_use_is_an_outage() -> None:
    assert outage_of(DBAPIError("SELECT 1", {}, Exception("closed"), connection_invalidated=True))
