from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns.dry_run import dry_run
from campaigns.enrolment import (
    advance,
    end_step,
    finish_runs,
    has_progress_due,
    plan_due_steps,
    stop_people,
    stop_people_who_ordered,
)
from campaigns.models import Campaign, Run
from campaigns.states import Reason, RunState
from campaigns.stops import current
from core.db import Session
from tests.campaigns.campaign_factory import CALL, HELLO, deliveries, enrolments, make_campaign, make_people, make_run
from tests.factories import make_contact, make_order

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)
SECOND = {**HELLO, "id": "more", "after": "2 days"}
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: SetClock) -> None:
    at(WEDNESDAY)


def started(session: Session, *steps: dict[str, Any], people: int = 1, **values: Any) -> Run:
    make_people(session, people, phone="+33 1 23")
    return make_run(session, steps=list(steps), **values)


def settle(
    session: Session, run: Run, state: str, *, position: int = 0, reason: str | None = None, at: datetime = WEDNESDAY
) -> None:
    """As if the sending side had ended the step's deliveries."""
    for row in deliveries(session, run):
        if row.position == position:
            row.state, row.reason, row.ended_at = state, reason, at
            row.sent_at = at if state in ("sent", "delivered") else None
    session.flush()


def round_of_the_clock(session: Session) -> None:
    while advance(session) + plan_due_steps(session):
        pass
    finish_runs(session)


def test_who_must_consent_to_mail_is_still_called_and_gets_letters(session: Session, at: SetClock) -> None:
    call = {**CALL, "after": "1 day"}
    run = started(session, HELLO, call)
    for row in deliveries(session, run):
        row.state, row.reason, row.ended_at = "suppressed", Reason.CONSENT_NEEDED, WEDNESDAY
    session.flush()
    at(WEDNESDAY + timedelta(days=1))
    round_of_the_clock(session)
    assert [(row.step, row.state) for row in deliveries(session, run)] == [
        (HELLO["id"], "suppressed"), (CALL["id"], "queued")]


def test_the_dry_run_goes_on_for_who_must_consent_to_mail(session: Session) -> None:
    make_people(session, phone="+49 30 1")[0].account.country = "DE"
    found = dry_run(session, campaign=make_campaign(session, steps=[HELLO, {**CALL, "after": "1 day"}])).totals()
    assert [(row["goes"], row["blocked"]) for row in found] == [(0, 1), (1, 0)]


def ends(session: Session, run: Run) -> list[tuple[str, str | None]]:
    return [(row.state, row.end_reason) for row in enrolments(session, run)]


def test_the_next_step_counts_from_the_end_of_the_persons_last(session: Session, at: SetClock) -> None:
    run = started(session, HELLO, SECOND)
    settle(session, run, "sent", at=WEDNESDAY + timedelta(hours=3))
    round_of_the_clock(session)
    assert enrolments(session, run)[0].next_due_at == WEDNESDAY + timedelta(days=2, hours=3)
    assert len(deliveries(session, run)) == 1
    at(WEDNESDAY + timedelta(days=2, hours=3))
    assert has_progress_due(session)
    round_of_the_clock(session)
    assert [(row.step, row.state, row.due_at) for row in deliveries(session, run)][1] == (
        "more",
        "queued",
        WEDNESDAY + timedelta(days=2, hours=3),
    )


def test_nobody_moves_while_their_step_is_open(session: Session) -> None:
    run = started(session, HELLO, SECOND)
    for state in ("queued", "claimed", "handing", "deferred", "unknown"):
        settle(session, run, state)
        assert advance(session) == 0
    assert not has_progress_due(session)


def test_a_run_is_finished_when_its_last_step_has_ended(session: Session) -> None:
    run = started(session, HELLO, people=3)
    round_of_the_clock(session)
    assert run.state == RunState.ACTIVE
    settle(session, run, "sent")
    round_of_the_clock(session)
    assert ends(session, run) == [("finished", None)] * 3
    assert (run.state, session.get_one(Campaign, run.campaign_id).state) == ("finished", "finished")


@pytest.mark.parametrize(
    ("state", "reason", "end_reason"),
    [
        ("suppressed", Reason.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
        ("suppressed", Reason.NO_BASIS, Reason.NO_BASIS),
        ("suppressed", Reason.LEFT_COMPANY, Reason.LEFT_COMPANY),
        ("bounced_hard", None, Reason.HARD_BOUNCE),
        ("complained", None, Reason.COMPLAINED),
        ("failed_permanent", Reason.HARD_BOUNCE, Reason.HARD_BOUNCE),
    ],
)
def test_a_reason_about_the_person_ends_their_way(
    session: Session, state: str, reason: str | None, end_reason: str
) -> None:
    run = started(session, HELLO, SECOND)
    settle(session, run, state, reason=reason)
    round_of_the_clock(session)
    assert ends(session, run) == [("stopped", end_reason)]
    assert run.state == RunState.FINISHED


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("failed_render", Reason.MISSING_VALUE),
        ("suppressed", Reason.NO_ADDRESS),
        ("suppressed", Reason.SAME_MAILBOX),
        ("suppressed", Reason.CONDITION),
        ("expired", Reason.WAITED_TOO_LONG),
        ("failed_temporary", None),
        ("unknown_final", None),
        ("bounced_soft", None),
        ("quarantined", None),
    ],
)
def test_any_other_end_goes_on_to_the_next_step(session: Session, state: str, reason: str | None) -> None:
    run = started(session, HELLO, SECOND)
    settle(session, run, state, reason=reason)
    round_of_the_clock(session)
    assert enrolments(session, run)[0].next_due_at == WEDNESDAY + timedelta(days=2)


def test_without_a_number_the_call_is_skipped_and_the_next_step_comes(session: Session, at: SetClock) -> None:
    make_people(session, phone=None)
    run = make_run(session, steps=[{**CALL, "after": "0 days"}, {**HELLO, "after": "0 days"}])
    round_of_the_clock(session)
    assert [(row.step, row.state, row.reason) for row in deliveries(session, run)] == [
        ("call", "suppressed", Reason.NO_ADDRESS),
        ("hello", "queued", None),
    ]


def test_a_handed_over_call_waits_for_the_seller(session: Session, at: SetClock) -> None:
    run = started(session, {**CALL, "after": "0 days"}, SECOND)
    settle(session, run, "sent")
    round_of_the_clock(session)
    assert enrolments(session, run)[0].next_due_at is None
    end_step(session, delivery_id=deliveries(session, run)[0].id, at=WEDNESDAY + timedelta(hours=5), outcome="reached")
    assert enrolments(session, run)[0].next_due_at == WEDNESDAY + timedelta(days=2, hours=5)


def test_saying_twice_that_a_call_is_done_moves_the_person_once(session: Session) -> None:
    run = started(session, {**CALL, "after": "0 days"}, SECOND)
    settle(session, run, "sent")
    for hours in (1, 9):
        end_step(
            session,
            delivery_id=deliveries(session, run)[0].id,
            at=WEDNESDAY + timedelta(hours=hours),
            outcome="reached",
        )
    assert enrolments(session, run)[0].next_due_at == WEDNESDAY + timedelta(days=2, hours=1)


def test_a_done_call_at_the_end_finishes_the_run(session: Session) -> None:
    run = started(session, {**CALL, "after": "0 days"})
    settle(session, run, "sent")
    end_step(session, delivery_id=deliveries(session, run)[0].id, at=WEDNESDAY, outcome="reached")
    round_of_the_clock(session)
    assert run.state == RunState.FINISHED


@pytest.mark.parametrize(("days", "is_skipped"), [(6, False), (7, True)])
def test_a_call_not_done_in_five_working_days_counts_as_skipped(
    session: Session, at: SetClock, days: int, is_skipped: bool
) -> None:
    run = started(session, {**CALL, "after": "0 days"})
    settle(session, run, "sent")
    at(WEDNESDAY + timedelta(days=days))
    round_of_the_clock(session)
    assert (deliveries(session, run)[0].reason == Reason.CALL_NOT_DONE) is is_skipped
    assert (run.state == RunState.FINISHED) is is_skipped


def test_a_reply_stops_the_person_and_cancels_what_was_not_handed_over(session: Session) -> None:
    run = started(session, HELLO, people=2)
    first, second = deliveries(session, run)
    before = current(session)
    assert stop_people(session, reason=Reason.REPLIED, at=WEDNESDAY, contact_ids=[first.contact_id]) == 1
    assert [(row.state, row.reason) for row in deliveries(session, run)] == [("cancelled", "replied"), ("queued", None)]
    assert current(session) > before
    assert ends(session, run) == [("stopped", "replied"), ("active", None)]
    assert second.contact_id != first.contact_id


def test_what_is_being_handed_over_cannot_be_called_back(session: Session) -> None:
    run = started(session, HELLO)
    settle(session, run, "handing")
    stop_people(session, reason=Reason.REPLIED, at=WEDNESDAY, contact_ids=[deliveries(session, run)[0].contact_id])
    assert deliveries(session, run)[0].state == "handing"


def test_a_campaign_that_does_not_stop_on_it_goes_on(session: Session) -> None:
    run = started(session, HELLO, stop_when=["meeting"])
    contact_id = deliveries(session, run)[0].contact_id
    assert stop_people(session, reason=Reason.REPLIED, at=WEDNESDAY, contact_ids=[contact_id]) == 0
    assert stop_people(session, reason=Reason.ERASED, at=WEDNESDAY, contact_ids=[contact_id]) == 1


def test_an_opt_out_of_one_purpose_leaves_the_others_alone(session: Session) -> None:
    run = started(session, HELLO, purpose="win-back")
    contact_id = deliveries(session, run)[0].contact_id
    whom = {"reason": Reason.OPTED_OUT, "at": WEDNESDAY, "contact_ids": [contact_id]}
    assert stop_people(session, purpose="newsletter", **whom) == 0
    assert stop_people(session, purpose="*", **whom) == 1


def test_an_order_stops_everybody_at_the_account(session: Session) -> None:
    run = started(session, HELLO, stop_when=["order"])
    person = make_people(session)[0]
    colleague = make_contact(session, person.account)
    other = make_run(session, campaign="other", stop_when=["order"])
    make_order(session, person.account, on=WEDNESDAY.date())
    assert stop_people_who_ordered(session) == 2
    assert {row.contact_id for row in enrolments(session, other) if row.end_reason == Reason.ORDERED} == {
        person.id,
        colleague.id,
    }
    assert ends(session, run) == [("active", None)]


def test_a_meeting_stops_the_account(session: Session) -> None:
    run = started(session, HELLO)
    account_id = deliveries(session, run)[0].account_id
    assert stop_people(session, reason=Reason.MET, at=WEDNESDAY, account_ids=[account_id]) == 1


def test_people_of_a_paused_run_are_stopped_too_and_do_not_move(session: Session) -> None:
    run = started(session, HELLO, SECOND, people=2)
    run.state = RunState.PAUSED
    settle(session, run, "sent")
    assert advance(session) == 0
    assert (
        stop_people(session, reason=Reason.REPLIED, at=WEDNESDAY, contact_ids=[deliveries(session, run)[0].contact_id])
        == 1
    )


def test_working_days_and_the_window_of_each_person_set_the_next_due_time(session: Session, at: SetClock) -> None:
    friday = datetime(2026, 3, 13, 12, tzinfo=UTC)
    at(friday)
    make_people(session, timezone="Asia/Tokyo", email="a@example.com")
    make_people(session, timezone="Europe/Paris", email="b@example.com")
    run = make_run(
        session,
        steps=[HELLO, {**SECOND, "after": "2 working days"}],
        window={"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"},
    )
    settle(session, run, "sent", at=friday)
    advance(session)
    assert [row.next_due_at for row in enrolments(session, run)] == [
        datetime(2026, 3, 18, 0, tzinfo=UTC),
        datetime(2026, 3, 17, 12, tzinfo=UTC),
    ]


def test_moving_many_people_takes_a_fixed_number_of_queries(session: Session) -> None:
    from sqlalchemy import event

    run = started(session, HELLO, SECOND, people=60)
    settle(session, run, "sent")
    seen: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert advance(session) == 60
    assert len(seen) <= 12
