"""Engagement by the clock."""

from abm.engagement.actions import refresh_engagement
from core.db import transaction
from core.jobs import every, job

OFTEN_SECONDS = 1_800


@job("engagement.refresh")
def refresh() -> None:
    """Bring the ledger and every account's engagement up to date."""
    with transaction() as session:
        refresh_engagement(session)


every(OFTEN_SECONDS, "engagement.refresh")
