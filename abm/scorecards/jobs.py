"""Scores by the clock: soon after imports, analyses and ratings they are computed again."""

from abm.scorecards.actions import keep_scores, ship_scorecards
from abm.scorecards.computing import compute_values
from abm.scorecards.models import Scorecard
from abm.scorecards.queries import find_published, get_version, list_stale_ids, present_basis, stored_definition
from core.db import reading, transaction
from core.jobs import every, job, ring

SOON_SECONDS = 60


@job("scorecards.compute")
def compute_one(scorecard_id: int) -> None:
    """Read and compute without a write lock, then store. A second call does nothing more."""
    with reading() as session:
        scorecard = session.get(Scorecard, scorecard_id)
        version = find_published(session, scorecard) if scorecard else None
        if scorecard is None or version is None:
            return
        basis, number = present_basis(session, scorecard_id), version.number
        if scorecard.basis == basis:
            return
        values = compute_values(session, scorecard_id=scorecard_id, definition=stored_definition(version.definition))
    with transaction() as session:
        present = session.get(Scorecard, scorecard_id)
        if present is not None and present.published_number == number:
            keep_scores(session, scorecard=present, version=get_version(session, present, number), values=values,
                        basis=basis)


@job("scorecards.compute_stale")
def compute_stale() -> None:
    """Bring in shipped scorecards that are missing, and ring for those whose data have changed."""
    with transaction() as session:
        ship_scorecards(session)
    with reading() as session:
        stale = list_stale_ids(session)
    for scorecard_id in stale:
        ring("scorecards.compute", scorecard_id=scorecard_id)


every(SOON_SECONDS, "scorecards.compute_stale")
