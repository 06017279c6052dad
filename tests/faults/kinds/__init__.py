"""Every module of faults, so that they are registered."""

from tests.faults.kinds import kills, postgres, queue

__all__ = ["kills", "postgres", "queue"]
