"""Every module of faults, so that they are registered."""

from tests.faults.kinds import (
    clocks,
    copies,
    disk,
    freezes,
    kills,
    poison,
    postgres,
    queue,
    schedulers,
    sqlite,
    stops,
)

__all__ = ["clocks", "copies", "disk", "freezes", "kills", "poison", "postgres", "queue", "schedulers", "sqlite",
           "stops"]
