"""Housekeeping by the clock."""

from abm.installation.scheduler import clear_old_ticks
from core.jobs import every, job


@job("installation.clear_ticks")
def clear_ticks() -> None:
    clear_old_ticks()


every(6 * 3600, "installation.clear_ticks")
