"""An edit while people are under way: who stays, who would move, and the move itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from campaigns import editing
from campaigns.enrolment import advance, end_step, finish_runs, plan_due_steps
from campaigns.models import Campaign, Delivery, Run
from campaigns.versions import move_people, report_change
from core.db import Session
from core.errors import Refused
from tests.campaigns.campaign_factory import (
    CALL,
    HELLO,
    deliveries,
    enrolments,
    make_approved,
    make_campaign,
    make_people,
    make_run,
    take_leavers_places,
    take_newcomers_in,
)

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)
MORE = {**HELLO, "id": "more", "after": "2 days"}
BETTER = {**MORE, "subject": "Better words"}


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Callable[[datetime], None]) -> None:
    at(WEDNESDAY)


def started(session: Session, *steps: dict[str, Any], people: int = 3, **values: Any) -> Run:
    make_people(session, people, phone="+33 1 23")
    return make_run(session, steps=list(steps), **values)


def send(session: Session, run: Run, count: int = 99) -> None:
    for row in [row for row in deliveries(session, run) if row.state == "queued"][:count]:
        row.state, row.sent_at = "sent", WEDNESDAY
        row.ended_at = None if row.channel == "call" else WEDNESDAY
    session.flush()
    while advance(session) + plan_due_steps(session):
        pass


def campaign_of(session: Session) -> Campaign:
    return session.scalars(select(Campaign)).one()


def groups(session: Session) -> list[tuple[str, bool, int, bool]]:
    report = report_change(session, campaign_of(session))
    found = report.groups if report else ()
    return [(one.step, one.is_under_way, one.people, one.moves_to is not None) for one in found]


def test_without_a_change_nobody_is_on_an_older_version(session: Session) -> None:
    started(session, HELLO, MORE)
    assert report_change(session, campaign_of(session)) is None


def test_a_change_says_who_would_move_before_it_is_approved(session: Session) -> None:
    run = started(session, HELLO, MORE)
    send(session, run, count=2)
    make_campaign(session, steps=[HELLO, BETTER, CALL])
    assert groups(session) == [("hello", True, 1, True), ("more", False, 2, True)]
    report = report_change(session, campaign_of(session))
    assert report is not None
    assert (report.moving, report.staying, report.added, report.changed) == (3, 0, ("call",), ("more",))


def test_people_whose_step_is_gone_or_handed_over_stay(session: Session) -> None:
    run = started(session, {**CALL, "after": "0 days"}, MORE)
    send(session, run, count=1)
    make_campaign(session, steps=[{**CALL, "after": "0 days"}, {**HELLO, "id": "other"}])
    assert sorted(groups(session)) == [("call", True, 1, False), ("call", True, 2, True)]


def test_nobody_gets_a_step_twice_by_a_move(session: Session) -> None:
    run = started(session, HELLO, MORE)
    send(session, run)
    make_campaign(session, steps=[MORE, {**HELLO, "after": "1 day"}])
    report = report_change(session, campaign_of(session))
    assert report is not None
    assert [(one.moves_to, one.because) for one in report.groups] == [(None, "the new version would bring hello again")]


def test_moving_needs_the_approval_of_exactly_this_version(session: Session) -> None:
    run = started(session, HELLO, MORE)
    send(session, run)
    make_campaign(session, steps=[HELLO, BETTER])
    with pytest.raises(Refused, match="not approved"):
        move_people(session, campaign=campaign_of(session), moved_by="Pat")


def test_moved_people_go_on_when_they_were_due_with_the_new_words(
    session: Session, at: Callable[[datetime], None]
) -> None:
    old = started(session, HELLO, MORE)
    send(session, old, count=2)
    campaign = make_approved(session, steps=[HELLO, BETTER, {**HELLO, "id": "last", "after": "1 day"}])
    run, moved = move_people(session, campaign=campaign, moved_by="Pat")
    assert (moved, run.kind, run.number) == (3, "move", 2)
    assert [(row.state, row.end_reason) for row in enrolments(session, old)] == [("stopped", "moved")] * 3
    waiting = {row.next_position: row.next_due_at for row in enrolments(session, run)}
    assert waiting == {0: WEDNESDAY, 1: WEDNESDAY + timedelta(days=2)}
    assert [row.reason for row in deliveries(session, old)] == [None, None, "moved"]
    for days in (0, 2, 4):
        at(WEDNESDAY + timedelta(days=days))
        send(session, run)
    finish_runs(session)
    sent = session.execute(select(Delivery.step, func.count()).where(Delivery.state == "sent").group_by(Delivery.step))
    assert dict(sent.all())["hello"] == 3
    assert {row.version_id for row in deliveries(session, run)} == {run.version_id} != {old.version_id}


def test_the_old_run_ends_when_all_have_moved(session: Session) -> None:
    old = started(session, HELLO, MORE, enrol="continuous")
    send(session, old)
    campaign = make_approved(session, steps=[HELLO, BETTER], enrol="continuous")
    run, _moved = move_people(session, campaign=campaign, moved_by="Pat")
    finish_runs(session)
    assert (session.get_one(Run, old.id).state, session.get_one(Run, run.id).state) == ("finished", "active")


def test_who_is_claimed_at_that_moment_stays(session: Session) -> None:
    run = started(session, HELLO, MORE)
    deliveries(session, run)[0].state = "claimed"
    session.flush()
    campaign = make_approved(session, steps=[HELLO, BETTER])
    _new, moved = move_people(session, campaign=campaign, moved_by="Pat")
    assert moved == 2
    assert [row.state for row in enrolments(session, run)] == ["active", "stopped", "stopped"]


def test_a_held_out_person_moves_as_held_out(session: Session) -> None:
    started(session, HELLO, MORE, people=40, holdout="25%")
    campaign = make_approved(session, steps=[HELLO, BETTER], holdout="25%")
    run, moved = move_people(session, campaign=campaign, moved_by="Pat")
    assert moved == 40
    assert sum(row.end_reason == "held_out" for row in enrolments(session, run)) == 10


def test_the_move_of_a_paused_campaign_is_paused(session: Session) -> None:
    started(session, HELLO, MORE)
    editing.pause(session, campaign=campaign_of(session))
    campaign = make_approved(session, steps=[HELLO, BETTER])
    run, _moved = move_people(session, campaign=campaign, moved_by="Pat")
    assert run.state == "paused"
    editing.resume(session, campaign=campaign_of(session))
    assert session.get_one(Run, run.id).state == "active"


def calls_of_two_half_moved(session: Session, **values: Any) -> tuple[Run, Run]:
    """A call and a mail for two people of one account; the one who was called goes on in the new version's run, the
    other's call is open in the old one."""
    first, second = make_people(session, 2, phone="+33 1 23")
    second.account_id, second.buying_role, first.buying_role = first.account_id, "champion", "champion"
    session.flush()
    call = {**CALL, "after": "0 days"}
    old = make_run(session, steps=[call, MORE], **values)
    send(session, old)
    end_step(session, delivery_id=next(row.id for row in deliveries(session, old) if row.contact_id == first.id),
             at=WEDNESDAY, outcome="reached")
    advance(session)
    campaign = make_approved(session, steps=[call, BETTER], **values)
    run, moved = move_people(session, campaign=campaign, moved_by="Pat")
    assert moved == 1
    return old, run


def test_who_finished_on_the_old_version_is_no_newcomer_to_the_new_one(
    session: Session, at: Callable[[datetime], None]
) -> None:
    old, run = calls_of_two_half_moved(session, enrol="continuous")
    end_step(session, delivery_id=deliveries(session, old)[-1].id, at=WEDNESDAY, outcome="reached")
    for days in (0, 2, 4):
        at(WEDNESDAY + timedelta(days=days))
        send(session, old)
    assert [row.state for row in enrolments(session, old)] == ["stopped", "finished"]
    assert take_newcomers_in(session) == 0
    assert [row.origin for row in enrolments(session, run)] == ["move"]


def test_who_is_under_way_on_the_old_version_takes_nobodys_place_on_the_new_one(session: Session) -> None:
    _old, run = calls_of_two_half_moved(session, people={"roles": ["champion"], "leavers": "replace"})
    moved = enrolments(session, run)[0]
    moved.state, moved.end_reason, moved.ended_at = "stopped", "left_company", WEDNESDAY
    session.flush()
    assert take_leavers_places(session) == 0
    assert len(enrolments(session, run)) == 1
