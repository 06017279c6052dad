"""Every module of faults, so that they are registered."""

from tests.faults.kinds import copies, disk, freezes, kills, postgres, queue, sqlite, stops

__all__ = ["copies", "disk", "freezes", "kills", "postgres", "queue", "sqlite", "stops"]
