"""Engagement by the clock."""

from abm.engagement.refreshing import refresh_engagement_apart
from core.jobs import every, job

OFTEN_SECONDS = 1_800


@job("engagement.refresh")
def refresh() -> None:
    """Bring the ledger and every account's engagement up to date."""
    refresh_engagement_apart()


every(OFTEN_SECONDS, "engagement.refresh")
