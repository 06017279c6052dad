"""Jobs of planning: enrolling a run's people, moving people on, closing what is done. All may run twice."""

from sqlalchemy import select

from campaigns import enrolment
from campaigns.models import Run
from campaigns.states import RunState
from core.db import reading, transaction
from core.jobs import JobQueue, every, job, stopping

PLAN, ADVANCE, STOP_ORDERED = "outreach.plan", "outreach.advance", "outreach.stop-ordered"


@job(PLAN, queue=JobQueue.OUTREACH)
def plan_run(run_id: int) -> None:
    """Enrol everybody of a run, chunk by chunk, from where the last committed chunk ended."""
    is_unfinished = True
    while is_unfinished and not stopping():
        with transaction() as session:
            is_unfinished = enrolment.plan_chunk(session, run_id)


@job(ADVANCE, queue=JobQueue.OUTREACH)
def advance_runs() -> None:
    """One round of the clock: finish planning, move people on, plan what came due, close finished runs."""
    with reading() as session:
        planning = list(session.scalars(select(Run.id).where(Run.state == RunState.PLANNING).order_by(Run.id)))
    for run_id in planning:
        plan_run(run_id)
    for step in (enrolment.enrol_newcomers, enrolment.advance, enrolment.plan_due_steps):
        changed = 1
        while changed and not stopping():
            with transaction() as session:
                changed = step(session)
    with transaction() as session:
        enrolment.finish_runs(session)


@job(STOP_ORDERED, queue=JobQueue.OUTREACH)
def stop_ordered() -> None:
    with transaction() as session:
        enrolment.stop_people_who_ordered(session)


every(5, ADVANCE)
every(60, STOP_ORDERED)
