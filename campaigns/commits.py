"""Short transactions of the dispatcher, tried again when the database asks for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db import transaction

TRIES = 5
_TRY_AGAIN = frozenset({"40001", "40P01"})
_PAUSE_SECONDS = 0.05

T = TypeVar("T")


def in_transaction(work: Callable[[Session], T], *, tries: int = TRIES) -> T:
    """`work` in a transaction of its own, repeated after a deadlock, a serialization failure or a lost connection.

    The last failure is raised. `work` may run several times, so it must not change anything but the database.
    """
    for left in range(tries - 1, -1, -1):
        try:
            with transaction() as session:
                return work(session)
        except DBAPIError as error:
            if not left or not _is_passing(error):
                raise
            if error.connection_invalidated:
                time.sleep(_PAUSE_SECONDS * (tries - left))
    raise AssertionError("unreachable: the loop returns or raises")


def _is_passing(error: DBAPIError) -> bool:
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TRY_AGAIN
