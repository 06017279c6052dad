"""Scores by the clock: soon after imports, analyses and ratings they are computed again."""

from abm.scorecards.actions import keep_scores, ship_scorecards
from abm.scorecards.back_tests import UNDER_WAY, finish_back_test, list_stuck
from abm.scorecards.computing import compute_values, find_values, keep_snapshot
from abm.scorecards.models import BackTestRun, Scorecard
from abm.scorecards.queries import (
    draft_of,
    find_published,
    get_version,
    list_stale_ids,
    present_basis,
    stored_definition,
)
from abm.scorecards.trials import BackTest, run_back_test
from core.db import reading, transaction
from core.errors import AbmError, InvalidInput
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


@job("scorecards.back_test")
def back_test(back_test_id: int) -> None:
    """Carry out a back-test that somebody asked for. A second call does nothing more."""
    with transaction() as session:
        run = session.get(BackTestRun, back_test_id)
        if run is None or run.state not in UNDER_WAY:
            return
        run.state, run.step = "running", "Scoring the accounts as of the day"
    try:
        with reading() as session:
            run = session.get_one(BackTestRun, back_test_id)
            found = run_back_test(session, scorecard=session.get_one(Scorecard, run.scorecard_id), as_of=run.as_of,
                                  definition=stored_definition(run.definition), months=run.months)
        _end_back_test(back_test_id, found, "")
    except Exception as error:  # the edge of a job: whatever went wrong must not leave it running for ever
        is_ours = isinstance(error, AbmError)
        said = "; ".join(error.fields.values()) if isinstance(error, InvalidInput) and error.fields else str(error)
        _end_back_test(back_test_id, None, said if is_ours else "The test broke off; see the log of the worker")
        if not is_ours:
            raise


def _end_back_test(back_test_id: int, found: BackTest | None, error: str) -> None:
    with transaction() as session:
        finish_back_test(session.get_one(BackTestRun, back_test_id), found, error)


@job("scorecards.prepare_draft")
def prepare_draft(scorecard_id: int) -> None:
    """Work out the values of a draft's criteria before somebody looks at its ranking. A second call does nothing."""
    with reading() as session:
        scorecard = session.get(Scorecard, scorecard_id)
        if scorecard is None:
            return
        definition = draft_of(scorecard)
        if find_values(session, scorecard_id=scorecard_id, definition=definition) is not None:
            return
        values = compute_values(session, scorecard_id=scorecard_id, definition=definition)
    with transaction() as session:
        if session.get(Scorecard, scorecard_id) is not None:
            keep_snapshot(session, scorecard_id=scorecard_id, definition=definition, values=values)


@job("scorecards.compute_stale")
def compute_stale() -> None:
    """Bring in shipped scorecards that are missing; ring for those whose data have changed and for tests that stuck."""
    with transaction() as session:
        ship_scorecards(session)
    with reading() as session:
        stale, stuck = list_stale_ids(session), list_stuck(session)
    for scorecard_id in stale:
        ring("scorecards.compute", scorecard_id=scorecard_id)
    for back_test_id in stuck:
        ring("scorecards.back_test", back_test_id=back_test_id)


every(SOON_SECONDS, "scorecards.compute_stale")
