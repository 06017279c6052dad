"""Keeping the call desk true while nobody looks."""

from abm.work.campaign_calls import drop_unwanted_calls
from core import db
from core.jobs import every, job

OFTEN_SECONDS = 60


@job("work.drop_unwanted_calls")
def drop_calls() -> None:
    """Take calls off the desk whose campaign no longer wants them."""
    with db.transaction() as session:
        drop_unwanted_calls(session)


every(OFTEN_SECONDS, "work.drop_unwanted_calls")
