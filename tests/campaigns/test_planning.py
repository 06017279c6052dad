import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.wiring import load_jobs
from campaigns import editing, newcomers, planning, planning_jobs, reports
from campaigns.enrolment import enrol_newcomers, look_for_newcomers, pause_looking, plan_chunk
from campaigns.looks import Look
from campaigns.models import Campaign, Delivery, Enrolment, HoldoutGhost, Run, Suppression
from campaigns.planning_jobs import plan_run
from campaigns.states import DeliveryState, Reason, RunState
from core import clock
from core.db import Session, is_postgres, reading, transaction
from core.jobs import JobQueue, perform, ring
from core.jobs.queue import rq_queue
from tests.campaigns.campaign_factory import (
    HELLO,
    deliveries,
    enrolments,
    launch_committed,
    make_approved,
    make_people,
    make_run,
    put_in_list,
    take_newcomers_in,
)
from tests.factories import make_account, make_contact

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Any) -> None:
    at(WEDNESDAY)


def make_many(session: Session, count: int, *, listed: str = "key-accounts") -> None:
    """`count` people, five to an account, made in bulk and in the list."""
    first = session.scalar(select(func.count()).select_from(Contact))
    now = clock.now()
    made = session.scalars(
        insert(Account).returning(Account),
        [
            {
                "external_id": f"M{first}-{n}",
                "name": f"M{n}",
                "name_key": f"m{n}",
                "country": "FR",
                "created_at": now,
                "updated_at": now,
            }
            for n in range(-(-count // 5))
        ],
    ).all()
    session.execute(
        insert(Contact),
        [
            {
                "external_id": f"MC{first}-{n}",
                "account_id": made[n // 5].id,
                "email": f"m{first}-{n}@example.com",
                "email_key": f"m{first}-{n}@example.com",
                "lawful_basis": "contract",
                "created_at": now,
                "updated_at": now,
            }
            for n in range(count)
        ],
    )
    put_in_list(session, made, listed)
    if is_postgres(session):  # these tables were empty when autovacuum last looked at them
        session.execute(text("ANALYZE account, contact, list_member, target_list"))


def test_everybody_approved_gets_the_first_step_at_once(session: Session) -> None:
    make_people(session, 3)
    run = make_run(session)
    assert [(row.state, row.step, row.due_at) for row in deliveries(session, run)] == [
        ("queued", "hello", WEDNESDAY)
    ] * 3
    assert run.state == RunState.ACTIVE


def test_who_cannot_be_written_to_is_stored_with_the_reason(session: Session) -> None:
    make_people(session, email=None)
    make_people(session, lawful_basis="none")
    stopped = make_people(session)[0]
    session.add(Suppression(scope="contact", key=str(stopped.id), purpose="*", reason="manual", created_at=clock.now()))
    run = make_run(session)
    assert {(row.state, row.reason) for row in deliveries(session, run)} == {
        (DeliveryState.SUPPRESSED, reason) for reason in (Reason.NO_ADDRESS, Reason.NO_BASIS, Reason.SUPPRESSED)
    }


def test_two_people_with_one_mailbox_get_one_message(session: Session) -> None:
    make_people(session, email="Info@example.com")
    make_people(session, email="info@EXAMPLE.com ")
    rows = deliveries(session, make_run(session))
    assert [(row.state, row.reason, row.address_key is None) for row in rows] == [
        ("queued", None, False),
        ("suppressed", Reason.SAME_MAILBOX, True),
    ]


def test_whoever_shares_a_mailbox_with_somebody_blocked_gets_the_message(session: Session) -> None:
    make_people(session, email="info@example.com", lawful_basis="none")
    make_people(session, email="info@example.com")
    assert [row.state for row in deliveries(session, make_run(session))] == ["suppressed", "queued"]


def test_the_database_itself_refuses_the_same_mailbox_twice(session: Session) -> None:
    from sqlalchemy.exc import IntegrityError

    make_people(session, 2)
    first, second = deliveries(session, make_run(session))
    second.address_key = first.address_key
    with pytest.raises(IntegrityError):
        session.flush()


def test_planning_again_makes_nothing_twice(session: Session) -> None:
    make_people(session, 3)
    run = make_run(session)
    run.state, run.enrolled_up_to = RunState.PLANNING, 0
    session.flush()
    assert plan_chunk(session, run.id) is False
    assert (len(deliveries(session, run)), len(enrolments(session, run))) == (3, 3)


def test_the_first_step_waits_for_the_window_of_each_person(session: Session) -> None:
    make_people(session, timezone="Asia/Tokyo")
    make_people(session, timezone="Europe/Paris")
    run = make_run(session, window={"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"})
    assert [row.due_at for row in deliveries(session, run)] == [datetime(2026, 3, 12, 0, tzinfo=UTC), WEDNESDAY]


def test_people_who_no_longer_match_are_counted_and_not_written_to(session: Session) -> None:
    account = make_account(session)
    put_in_list(session, [account])
    person = make_contact(session, account, buying_role="champion")
    make_contact(session, account, buying_role="champion")
    campaign = _approved(session, people={"roles": ["champion"]})
    person.buying_role = "user"
    run = _planned(session, campaign)
    assert [(row.state, row.reason) for row in deliveries(session, run)] == [
        ("suppressed", Reason.NO_LONGER_MATCHES),
        ("queued", None),
    ]


def _approved(session: Session, **values: Any) -> Campaign:
    from tests.campaigns.campaign_factory import make_approved

    return make_approved(session, **values)


def _planned(session: Session, campaign: Campaign) -> Run:
    run = editing.launch(session, campaign=campaign, launched_by="Second")
    while plan_chunk(session, run.id):
        pass
    session.refresh(run)
    return run


def test_newcomers_need_a_new_approval(session: Session) -> None:
    make_people(session)
    campaign = _approved(session)
    make_people(session)
    assert len(deliveries(session, _planned(session, campaign))) == 1


def test_a_colleague_who_came_after_the_approval_takes_nobodys_place(session: Session) -> None:
    account = make_account(session)
    put_in_list(session, [account])
    person = make_contact(session, account, buying_role="champion", influence=1)
    campaign = _approved(session, people={"per_account": 1})
    make_contact(session, account, buying_role="decision_maker", influence=5)
    assert [row.contact_id for row in deliveries(session, _planned(session, campaign))] == [person.id]


def test_with_continuous_enrolment_newcomers_are_written_to(session: Session) -> None:
    make_people(session)
    run = make_run(session, enrol="continuous")
    make_people(session)
    assert (take_newcomers_in(session), take_newcomers_in(session)) == (1, 0)
    assert len(deliveries(session, run)) == 2


def test_newcomers_are_looked_for_again_only_after_twenty_times_as_long_as_a_slow_look_took(session: Session) -> None:
    make_people(session)
    run = make_run(session, enrol="continuous")
    pause_looking(session, Run.newcomers_due_at, {run.id: Look(frozenset(), False, 3.0)})
    make_people(session)
    assert look_for_newcomers(session, WEDNESDAY + timedelta(seconds=59)) == {}
    assert look_for_newcomers(session, WEDNESDAY + timedelta(seconds=60))[run.id].found


@pytest.mark.parametrize(("look", "seconds"), [
    (Look(frozenset(), False, 0.2), 0), (Look(frozenset(), False, 0.5), 10), (Look(frozenset({1}), True, 9.0), 0)])
def test_a_quick_look_and_one_that_was_cut_short_need_no_pause(look: Look, seconds: int) -> None:
    assert look.pause() == timedelta(seconds=seconds)


def test_newcomers_of_accounts_that_a_look_did_not_find_wait_for_the_next(session: Session) -> None:
    make_people(session)
    run = make_run(session, enrol="continuous")
    first, second = make_people(session, 2)
    assert enrol_newcomers(session, {run.id: Look(frozenset({first.account_id}), False, 0.0)}) == 1
    assert take_newcomers_in(session) == 1
    assert {row.contact_id for row in enrolments(session, run)} >= {first.id, second.id}


def test_looks_that_are_cut_short_follow_each_other_at_once(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        make_people(session)
        run_id = make_run(session, enrol="continuous").id
        make_people(session, 5)
    monkeypatch.setattr(newcomers, "CHUNK", 2)
    planning_jobs.advance_runs()
    with reading() as session:
        assert len(enrolments(session, session.get_one(Run, run_id))) == 6


def test_a_second_launch_is_a_run_of_its_own(session: Session) -> None:
    make_people(session, 2)
    first = make_run(session)
    first.state = RunState.FINISHED
    campaign = session.get_one(Campaign, first.campaign_id)
    second = _planned(session, campaign)
    assert (second.number, len(deliveries(session, first)), len(deliveries(session, second))) == (2, 2, 2)
    assert reports.campaign_status(session, "hello")["planned"] == 4


def test_held_out_people_get_no_message_but_are_enrolled(session: Session) -> None:
    make_people(session, 40)
    run = make_run(session, holdout="10%")
    held = [row for row in enrolments(session, run) if row.end_reason == Reason.HELD_OUT]
    assert (len(held), len(deliveries(session, run))) == (4, 36)
    assert session.scalar(select(func.count()).select_from(HoldoutGhost)) == 0


def test_planning_goes_on_after_a_crash_where_it_was(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        make_many(session, 1_000)
    run_id = launch_committed()
    monkeypatch.setattr(planning_jobs, "CHUNK", 100)
    monkeypatch.setattr(planning_jobs, "SMALL_CHUNK", 100)
    calls = iter(range(100))
    real = planning.insert_ignoring

    def crash_on_the_fourth(*given: Any) -> None:
        real(*given)
        if next(calls) == 3:
            raise RuntimeError("power cut")

    monkeypatch.setattr(planning, "insert_ignoring", crash_on_the_fourth)
    with pytest.raises(RuntimeError):
        plan_run(run_id)
    with transaction() as session:
        run = session.get_one(Run, run_id)
        assert (run.state, len(deliveries(session, run)), len(enrolments(session, run))) == (
            RunState.PLANNING,
            300,
            300,
        )
    plan_run(run_id)
    with transaction() as session:
        run = session.get_one(Run, run_id)
        assert (run.state, len(deliveries(session, run)), len(enrolments(session, run))) == (
            RunState.ACTIVE,
            1000,
            1000,
        )


def test_two_planners_at_once_make_everything_once(database: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with transaction() as session:
        make_many(session, 400)
    run_id = launch_committed()

    def plan(_worker: int) -> None:
        more = True
        while more:
            with transaction() as session:
                more = plan_chunk(session, run_id, size=50)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plan, range(4)))
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 400
        assert session.scalar(select(func.count()).select_from(Enrolment)) == 400


def test_ten_thousand_people_are_planned_in_chunks(database: Path) -> None:
    with transaction() as session:
        make_many(session, 10_000)
    run_id = launch_committed(holdout="10%", people={"per_account": 5})
    plan_run(run_id)
    with transaction() as session:
        planned = session.scalar(select(func.count()).select_from(Delivery))
        enrolled = session.scalar(select(func.count()).select_from(Enrolment))
    assert (planned, enrolled) == (9_000, 10_000)


def test_expiry_is_a_month_after_the_due_time(session: Session) -> None:
    make_people(session)
    run = make_run(session, steps=[{**HELLO, "after": "2 days"}])
    row = deliveries(session, run)[0]
    assert (row.due_at, row.expires_at) == (WEDNESDAY + timedelta(days=2), WEDNESDAY + timedelta(days=32))


def test_a_large_run_is_planned_in_turns_so_that_sending_goes_on_between_them(
    engine_side: object, queue_server: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks: list[int] = []

    def plan_chunk(_session: Session, run_id: int, *, size: int) -> bool:
        chunks.append(run_id)
        time.sleep(0.01)  # a thousand of these take far longer than a turn
        return len(chunks) < 1_000

    monkeypatch.setattr(planning_jobs.enrolment, "plan_chunk", plan_chunk)
    monkeypatch.setattr(planning_jobs, "TURN_SECONDS", 0.2)
    load_jobs()
    ring("outreach.drain")
    perform(planning_jobs.PLAN, {"run_id": 1})
    waiting = rq_queue(JobQueue.OUTREACH).get_job_ids()
    assert 0 < len(chunks) < 1_000
    assert [name.rpartition("-")[0] for name in waiting] == ["outreach_drain", "outreach_plan-1"]


def test_on_sqlite_a_run_is_planned_in_small_chunks_so_that_others_can_write(
    engine_side: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def plan_chunk(_session: Session, _run_id: int, *, size: int) -> bool:
        sizes.append(size)
        return len(sizes) < 3

    monkeypatch.setattr(planning_jobs.enrolment, "plan_chunk", plan_chunk)
    planning_jobs.plan_run(1)
    with reading() as session:
        assert sizes == [2_000 if is_postgres(session) else 250] * 3


@pytest.mark.parametrize("people", [{}, {"per_account": 3}], ids=["everybody", "the first three of each account"])
@pytest.mark.parametrize("enrol", ["approved", "continuous"])
def test_a_chunk_of_a_long_list_costs_what_one_of_a_short_list_does(
    session: Session, people: dict[str, int], enrol: str
) -> None:
    if is_postgres(session):
        pytest.skip("SQLite tells the steps of its machine")
    make_many(session, 200, listed="short")
    make_many(session, 4_000, listed="long")
    short, long = (_steps_of_a_chunk(session, campaign=name, list=name, people=people, enrol=enrol)
                   for name in ("short", "long"))
    assert long < 2 * short


def _steps_of_a_chunk(session: Session, **values: Any) -> int:
    """Of the second chunk, in hundreds of steps of SQLite's machine."""
    campaign = make_approved(session, **values)
    run = editing.launch(session, campaign=campaign, launched_by="Ada")
    assert plan_chunk(session, run.id, size=20)
    driver, steps = session.connection().connection.driver_connection, []
    driver.set_progress_handler(lambda: steps.append(1), 100)
    assert plan_chunk(session, run.id, size=20)
    driver.set_progress_handler(None, 0)
    return len(steps)
