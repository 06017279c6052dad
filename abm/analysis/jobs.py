"""Analyses in the background."""

from abm.analysis.actions import compute, fail_run, keep_comparison, keep_results, say_step
from abm.analysis.queries import get_run, list_unfinished_runs
from core.db import reading, transaction
from core.errors import AbmError
from core.jobs import every, job, ring

_PATIENCE_SECONDS = 600


@job("analysis.run")
def carry_out_analysis(run_id: int) -> None:
    """Carry out a planned run: read and compute without a write lock, then store. A second call does nothing."""
    with transaction() as session:
        if get_run(session, run_id).state not in ("waiting", "running"):
            return
        say_step(session, run_id=run_id, step="Reading orders and computing")
    try:
        with reading() as session:
            analysis = compute(session, run=get_run(session, run_id))
        with transaction() as session:
            run = say_step(session, run_id=run_id, step="Storing results")
            if run.totals is None:
                keep_results(session, run=run, analysis=analysis)
    except Exception as error:  # the edge of a job: whatever went wrong must not leave the run running for ever
        with transaction() as session:
            reason = str(error) if isinstance(error, AbmError) else "The analysis broke off; see the log of the worker"
            fail_run(session, run_id=run_id, reason=reason)
        if not isinstance(error, AbmError):
            raise
        return
    with transaction() as session:
        keep_comparison(session, get_run(session, run_id))


@job("analysis.sweep")
def ring_unfinished_analyses() -> None:
    """Ring again for runs that wait: their bell was lost with Redis, or their worker died."""
    with reading() as session:
        waiting = list_unfinished_runs(session, older_than_seconds=_PATIENCE_SECONDS)
    for run_id in waiting:
        ring("analysis.run", run_id=run_id)


every(60, "analysis.sweep")
