"""Jobs of planning: enrolling a run's people, moving people on, closing what is done. All may run twice."""

import math
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import enrolment, letters
from campaigns.looks import DueAt, Looks
from campaigns.models import Run
from campaigns.planning import CHUNK
from campaigns.planning_names import ADVANCE, PLAN, RETURN, STOP_ORDERED, TAKE_BACK
from campaigns.states import RunState
from core.db import is_postgres, reading, transaction
from core.jobs import JobQueue, every, job, ring, stopping

__all__ = ["ADVANCE", "PLAN", "RETURN", "STOP_ORDERED", "TAKE_BACK"]

SMALL_CHUNK = 250
# Between chunks as long as one took, at most so many seconds: who waits for SQLite's lock only looks now and then.
GAP, LONGEST_GAP = 1.0, 0.25
TURN_SECONDS = 5.0


@job(PLAN, queue=JobQueue.OUTREACH)
def plan_for_a_turn(run_id: int) -> None:
    """Plan for a few seconds, then queue behind what has come meanwhile: sending does not wait for a million people."""
    if plan_run(run_id, seconds=TURN_SECONDS):
        ring(PLAN, run_id=run_id)


def plan_run(run_id: int, *, seconds: float = math.inf) -> bool:
    """Enrol everybody of a run, chunk by chunk, from where the last committed chunk ended. True when time ran out.

    SQLite has one writer at a time: there the chunks are small, and others get their turn between them.
    """
    is_unfinished, ends_at = True, time.monotonic() + seconds
    while is_unfinished and not stopping() and time.monotonic() < ends_at:
        began = time.monotonic()
        with transaction() as session:
            is_alone = not is_postgres(session)
            size = SMALL_CHUNK if is_alone else CHUNK
            is_unfinished = enrolment.plan_chunk(session, run_id, size=size)
        if is_unfinished and is_alone:
            time.sleep(min((time.monotonic() - began) * GAP, LONGEST_GAP))
    return is_unfinished


@job(ADVANCE, queue=JobQueue.OUTREACH)
def advance_runs() -> None:
    """One round of the clock: go on planning, move people on, plan what came due, close finished runs. What is not done
    within its turn goes on in the next round."""
    with reading() as session:
        planning = list(session.scalars(select(Run.id).where(Run.state == RunState.PLANNING).order_by(Run.id)))
    for run_id in planning:
        plan_run(run_id, seconds=TURN_SECONDS / len(planning))
    _take_in(enrolment.look_for_newcomers, enrolment.enrol_newcomers, Run.newcomers_due_at)
    _take_as_many_turns(enrolment.advance)
    _take_in(enrolment.look_for_successors, enrolment.replace_leavers, Run.successors_due_at)
    _take_as_many_turns(enrolment.plan_due_steps)
    with transaction() as session:
        enrolment.finish_runs(session)


def _take_as_many_turns(step: Callable[[Session], int]) -> None:
    """As long as there is something to do, and time."""
    changed, ends_at = 1, time.monotonic() + TURN_SECONDS
    while changed and not stopping() and time.monotonic() < ends_at:
        with transaction() as session:
            changed = step(session)


def _take_in(look: Callable[[Session], Looks], enrol: Callable[[Session, Looks], int], due_at: DueAt) -> None:
    """Look without the write lock, then enrol of what was found, as long as a look was cut short."""
    is_cut, ends_at = True, time.monotonic() + TURN_SECONDS
    while is_cut and not stopping() and time.monotonic() < ends_at:
        with reading() as session:
            looks = look(session)
        if not any(one.found or one.pause() for one in looks.values()):
            return
        with transaction() as session:
            enrolment.pause_looking(session, due_at, looks)
            enrolled = enrol(session, looks)
        is_cut = enrolled > 0 and any(one.is_cut for one in looks.values())


@job(STOP_ORDERED, queue=JobQueue.OUTREACH)
def stop_ordered() -> None:
    with transaction() as session:
        enrolment.stop_people_who_ordered(session)


@job(TAKE_BACK, queue=JobQueue.OUTREACH)
def take_back_letters() -> None:
    with transaction() as session:
        letters.take_back_unwanted(session)


@job(RETURN, queue=JobQueue.OUTREACH)
def start_reentry_waves() -> None:
    with transaction() as session:
        enrolment.start_reentry_waves(session)


every(5, ADVANCE)
every(60, STOP_ORDERED)
every(60, TAKE_BACK)
every(3_600, RETURN)
