"""Every module of faults, so that they are registered."""

from tests.faults.kinds import kills

__all__ = ["kills"]
