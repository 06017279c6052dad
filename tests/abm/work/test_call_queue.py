"""Whose call is next, and that two callers never get the same one."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.wiring import connect_engine
from abm.work import claims
from abm.work.call_queue import list_due_calls
from abm.work.claims import claim_call, claim_next, release_call
from abm.work.models import Task
from core import clock, db
from tests.abm.work.test_calls import campaign_call
from tests.factories import make_account, make_contact, make_user

FRIDAY = date(2026, 6, 12)
NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    connect_engine()
    at(NOON)


def _call(session: Session, title: str, *, account: dict[str, Any] | None = None, **values: Any) -> Task:
    contact = make_contact(session, make_account(session, **(account or {})), phone="1",
                           timezone=values.pop("timezone", None))
    task = Task(**{"kind": "call", "title": title, "due_on": FRIDAY, "created_at": clock.now(),
                   "account_id": contact.account_id, "contact_id": contact.id, **values})
    session.add(task)
    session.flush()
    return task


def _titles(session: Session) -> list[str]:
    return [call.task.title for call in list_due_calls(session, user_id=None)]


def test_promises_at_their_time_come_first_and_who_sleeps_comes_last(session: Session) -> None:
    _call(session, "asleep", timezone="Asia/Tokyo")
    _call(session, "third tier", account={"tier": "3"})
    _call(session, "late, no tier", due_on=date(2026, 6, 1))
    _call(session, "first tier", account={"tier": "1"})
    _call(session, "promised now", outcome="call_back", ready_at=NOON - timedelta(minutes=1), timezone="Asia/Tokyo")
    _call(session, "promised for three", outcome="call_back", ready_at=NOON + timedelta(hours=3))
    _call(session, "try again at two", outcome="not_reached", ready_at=NOON + timedelta(hours=2))
    assert _titles(session) == ["promised now", "first tier", "third tier", "late, no tier", "try again at two",
                                "promised for three", "asleep"]


def test_who_cannot_be_called_now_says_from_when(session: Session) -> None:
    _call(session, "asleep", timezone="Asia/Tokyo")
    _call(session, "awake")
    found = {call.task.title: call.opens_at for call in list_due_calls(session, user_id=None)}
    assert found == {"asleep": datetime(2026, 6, 15, 0, tzinfo=UTC), "awake": None}


def test_a_holiday_of_the_country_moves_the_call(session: Session, at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 7, 14, 10, tzinfo=UTC))
    _call(session, "bastille", account={"country": "FR"})
    _call(session, "berlin", account={"country": "DE"})
    assert [(call.task.title, call.opens_at) for call in list_due_calls(session, user_id=None)] == [
        ("berlin", None), ("bastille", datetime(2026, 7, 15, 7, tzinfo=UTC))]


def test_an_urgent_campaign_goes_before_tiers(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    _call(session, "first tier", account={"tier": "1"})
    assert _titles(session) == ["first tier", task.title]
    from campaigns.models import Run

    session.get_one(Run, delivery.run_id).priority = 1
    session.flush()
    assert _titles(session) == [task.title, "first tier"]


def test_a_call_that_is_open_elsewhere_is_nobody_elses(session: Session, at: Callable[[datetime], None]) -> None:
    ann, bob = make_user(session, name="Ann"), make_user(session, name="Bob")
    first, second = _call(session, "first", account={"tier": "1"}), _call(session, "second")
    assert claim_next(session, user_id=ann.id) is first
    assert claim_next(session, user_id=bob.id) is second
    assert not claim_call(session, task_id=first.id, user_id=bob.id)
    assert claims.find_holder(session, first, but=bob.id) is ann
    assert claim_next(session, user_id=make_user(session).id) is None
    at(NOON + claims.CLAIM)
    assert claim_call(session, task_id=first.id, user_id=bob.id)


def test_skipping_gives_the_call_back(session: Session) -> None:
    ann, bob = make_user(session), make_user(session)
    first, second = _call(session, "first", account={"tier": "1"}), _call(session, "second")
    claim_call(session, task_id=first.id, user_id=ann.id)
    assert claim_next(session, user_id=ann.id, but=first.id) is second
    assert claim_next(session, user_id=bob.id) is first
    release_call(session, task_id=second.id, user_id=bob.id)
    assert claims.find_holder(session, second, but=bob.id) is ann


def test_callers_who_ask_at_the_same_moment_get_different_calls(database: object) -> None:
    callers, calls = 4, 5
    with db.transaction() as session:
        people = [make_user(session).id for _ in range(callers)]
        for number in range(calls):
            _call(session, f"call {number}")
    barrier, taken, failures = threading.Barrier(callers), [], []

    def take(user_id: int) -> None:
        try:
            barrier.wait()
            with db.transaction() as session:
                task = claim_next(session, user_id=user_id)
                taken.append(task.id if task else None)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=take, args=(user_id,)) for user_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        claimed = session.scalars(select(Task.claimed_by_id).where(Task.claimed_by_id.is_not(None))).all()
    assert (failures, None in taken, len(set(taken)), sorted(claimed)) == ([], False, callers, sorted(people))
