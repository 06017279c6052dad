"""Every module of faults, so that they are registered."""

from tests.faults.kinds import (
    breaks,
    clocks,
    copies,
    deploys,
    disk,
    freezes,
    kills,
    poison,
    postgres,
    providers,
    queue,
    relays,
    schedulers,
    sqlite,
    stops,
    visits,
)

__all__ = ["breaks", "clocks", "copies", "deploys", "disk", "freezes", "kills", "poison", "postgres", "providers",
           "queue", "relays", "schedulers", "sqlite", "stops", "visits"]
