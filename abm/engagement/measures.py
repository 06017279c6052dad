"""Engagement as measures of scorecards."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.engagement.models import AccountEngagement
from abm.scorecards.measures import Floats, Measure, fetch_rows, register

MEASURES = (
    Measure("engagement.points", "Engagement points", "Engagement", "decimal", missing=0.0),
    Measure("engagement.people", "Engaged people in 30 days", "Engagement", missing=0.0),
    Measure("engagement.answers", "Answers in 90 days", "Engagement", missing=0.0),
    Measure("engagement.touches", "Our touches in 90 days", "Engagement", missing=0.0),
)


def load_engagement(session: Session, names: Sequence[str], _as_of: date | None) -> Floats:
    """What the ledger came to when it was last brought up to date."""
    columns = [getattr(AccountEngagement, name.removeprefix("engagement.")) for name in names]
    return fetch_rows(session, select(AccountEngagement.account_id, *columns), 1 + len(names))


register(MEASURES, load_engagement)
