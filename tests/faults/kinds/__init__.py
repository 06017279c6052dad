"""Every module of faults, so that they are registered."""

from tests.faults.kinds import freezes, kills, postgres, queue, stops

__all__ = ["freezes", "kills", "postgres", "queue", "stops"]
