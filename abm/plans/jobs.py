"""Qualification soon after the data have changed; proposals of due reviews once a day."""

from abm.plans.actions import propose_reviews
from abm.plans.qualifying import qualify_accounts_apart
from abm.plans.queries import is_stale
from core import db
from core.jobs import every, job

SOON_SECONDS = 120
DAY_SECONDS = 24 * 60 * 60


@job("plans.qualify")
def qualify() -> None:
    """Compute gates, kinds and questions of all accounts, where something has changed."""
    with db.reading() as session:
        if not is_stale(session):
            return
    qualify_accounts_apart()


@job("plans.qualify_all")
def qualify_all() -> None:
    """Compute them whatever has changed: somebody asked for it."""
    qualify_accounts_apart()


@job("plans.propose_reviews")
def propose() -> None:
    """Open a review for every key account that is due."""
    with db.transaction() as session:
        propose_reviews(session)


every(SOON_SECONDS, "plans.qualify")
every(DAY_SECONDS, "plans.propose_reviews")
