"""SQLite only: a reader keeps the write-ahead log from being folded back, so it grows as long as somebody reads.

A reading transaction that lasts long while the log has grown large is broken off by the database itself. Everybody
else, who would sooner or later stand before a full disk, goes on.
"""

import os
import sqlite3
import time

MOST_SECONDS = 60.0
MOST_LOG_BYTES = 192 * 1024 * 1024
# What is kept of the log's file once it was folded back.
KEPT_LOG_BYTES = 64 * 1024 * 1024
_STEPS_BETWEEN_LOOKS = 100_000


def watch_reader(connection: sqlite3.Connection, database: str) -> None:
    """From now until `unwatch`: the reading transaction that begins here is cut when it harms everybody else."""
    log, ends_at = f"{database}-wal", time.monotonic() + MOST_SECONDS

    def is_harmful() -> bool:
        return time.monotonic() > ends_at and _size(log) > MOST_LOG_BYTES

    connection.set_progress_handler(is_harmful, _STEPS_BETWEEN_LOOKS)


def unwatch(connection: sqlite3.Connection) -> None:
    connection.set_progress_handler(None, 0)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
