"""Two clocks: `now` for due times and windows, `lease_now` for leases."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

Clock = Callable[[], datetime]
_LEASE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: Clock = _system_now


def now() -> datetime:
    """The present moment, aware, UTC."""
    return _source()


def today() -> date:
    """The present day in UTC; use the company's zone where a person reads the day."""
    return now().date()


def set_clock(source: Clock | None) -> None:
    """Replace the source of `now` (tests, simulations); None restores the system's clock."""
    global _source
    _source = source or _system_now


def lease_now(session: Session) -> float:
    """Seconds on the clock that leases are measured with, never moved by a person or NTP step.

    PostgreSQL: the database's wall clock, shared by all hosts. SQLite: CLOCK_BOOTTIME of the one host
    (see `boot_id`, which tells a restart of that host).
    """
    if session.get_bind().dialect.name == "postgresql":
        return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return host_lease_clock()


def host_lease_clock() -> float:
    """Seconds since this host started, suspended time included where the system can say."""
    return time.clock_gettime(_LEASE_CLOCK)


@lru_cache(maxsize=1)
def boot_id() -> str:
    """An id that changes when the host restarts; empty where the system does not tell."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""
