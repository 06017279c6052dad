"""Who takes the place of a leaver: all leavers are looked at, without the write lock, and after a slow look not at once
again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from abm.accounts.models import Account
from abm.contacts.models import Contact
from campaigns import planning_jobs, successors
from campaigns.enrolment import look_for_successors, pause_looking, replace_leavers
from campaigns.looks import Look
from campaigns.models import Run
from campaigns.states import Reason, RunState
from campaigns.stopping import stop_people
from campaigns.successors import list_empty_places
from core import db
from core.db import Session, is_postgres
from tests.campaigns.campaign_factory import enrolments, make_people, make_run, take_leavers_places
from tests.factories import make_contact

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)
REPLACING = {"roles": ["champion"], "per_account": 1, "leavers": "replace"}


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: object) -> None:
    at(WEDNESDAY)  # type: ignore[operator]


def left_by(session: Session, count: int, campaign: str = "hello") -> Run:
    """A run whose people, each the only champion of an account, have all left."""
    people = make_people(session, count, buying_role="champion")
    run = make_run(session, campaign=campaign, people=REPLACING)
    stop_people(session, reason=Reason.LEFT_COMPANY, at=WEDNESDAY, contact_ids=[person.id for person in people])
    return run


def add_heir(session: Session, run: Run, place: int) -> Contact:
    """Another champion where the one in this place of the run was."""
    account = session.get_one(Account, enrolments(session, run)[place].account_id)
    return make_contact(session, account, buying_role="champion")


def test_leavers_without_a_successor_hide_nobody(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(successors, "CHUNK", 2)
    run = left_by(session, 5)
    heir = add_heir(session, run, 4).id
    assert take_leavers_places(session) == 1
    assert enrolments(session, run)[-1].contact_id == heir


def test_more_successors_than_a_look_finds_at_once_all_come(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(successors, "CHUNK", 2)
    run = left_by(session, 3)
    for place in range(3):
        add_heir(session, run, place)
    assert [take_leavers_places(session) for _ in range(3)] == [2, 1, 0]


def test_leavers_of_more_than_thirty_days_ago_are_not_looked_at(session: Session) -> None:
    run = left_by(session, 1)
    add_heir(session, run, 0)
    assert not look_for_successors(session, WEDNESDAY + timedelta(days=30))[run.id].found
    assert look_for_successors(session, WEDNESDAY + timedelta(days=29))[run.id].found


def test_a_successor_who_went_between_look_and_enrolling_takes_no_place(session: Session) -> None:
    run = left_by(session, 1)
    heir = add_heir(session, run, 0)
    looks = look_for_successors(session)
    heir.is_active = False
    session.flush()
    assert replace_leavers(session, looks) == 0


def test_after_a_slow_look_nobody_looks_for_twenty_times_as_long(session: Session) -> None:
    run = left_by(session, 1)
    pause_looking(session, Run.successors_due_at, {run.id: Look(frozenset(), False, 3.0)})
    assert look_for_successors(session, WEDNESDAY + timedelta(seconds=59)) == {}
    assert run.id in look_for_successors(session, WEDNESDAY + timedelta(seconds=60))


def test_leavers_are_looked_at_by_who_only_reads(database: Path) -> None:
    with db.transaction() as session:
        left_by(session, 1)
    only_reads = []

    def note(context: object) -> None:
        if "ended_at >" in str(context.statement):  # type: ignore[attr-defined]
            only_reads.append(bool(context.session.info.get("only_reads")))  # type: ignore[attr-defined]

    event.listen(Session, "do_orm_execute", note)
    try:
        planning_jobs.advance_runs()
    finally:
        event.remove(Session, "do_orm_execute", note)
    assert only_reads == [True]


def test_the_empty_place_of_one_person_is_found_alone(session: Session) -> None:
    run = left_by(session, 3)
    second = enrolments(session, run)[1].contact_id
    assert [place[0] for place in list_empty_places(session, run.campaign_id, second)] == [second]


def test_a_look_at_four_times_as_many_leavers_costs_about_four_times_as_much(session: Session) -> None:
    if is_postgres(session):
        pytest.skip("SQLite tells the steps of its machine")
    few = _steps_of_a_look(session, left_by(session, 50, "few"))
    assert _steps_of_a_look(session, left_by(session, 200, "many")) < 6 * few


def _steps_of_a_look(session: Session, run: Run) -> int:
    """In tens of steps of SQLite's machine; who looks at another run is not counted."""
    run.state = RunState.ACTIVE
    session.flush()
    driver, steps = session.connection().connection.driver_connection, []
    driver.set_progress_handler(lambda: steps.append(1), 10)
    assert not look_for_successors(session)[run.id].found
    driver.set_progress_handler(None, 0)
    run.state = RunState.PAUSED
    session.flush()
    return len(steps)
