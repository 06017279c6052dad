from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Event, Run
from campaigns.reports import EXPORT_COLUMNS, campaign_status, count_steps, export_rows
from campaigns.states import BOOK_OF_STATE, DeliveryState, Reason
from campaigns.tally import tally_messages
from core.db import Session
from core.errors import NotFound
from tests.campaigns.campaign_factory import CALL, HELLO, deliveries, make_people, make_run
from tests.factories import make_order

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Any) -> None:
    at(WEDNESDAY)


def set_states(session: Session, run: Run, states: list[str]) -> None:
    for row, state in zip(deliveries(session, run), states, strict=True):
        row.state = state
    session.flush()


def test_status_has_exactly_the_fields_of_the_contract(session: Session) -> None:
    make_people(session)
    make_run(session)
    assert list(campaign_status(session, "hello")) == [
        "campaign",
        "state",
        "planned",
        "held_out",
        "by_state",
        "reasons",
        "replied",
        "clicked",
        "opened_human",
        "opened_machine",
        "bounced",
        "complained",
        "unsubscribed",
        "cost",
        "orders",
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(st.sampled_from(list(DeliveryState)), min_size=6, max_size=6))
def test_planned_is_always_the_sum_over_the_books(session: Session, states: list[str]) -> None:
    with session.begin_nested() as attempt:
        make_people(session, 6)
        set_states(session, make_run(session), states)
        status = campaign_status(session, "hello")
        attempt.rollback()
    expected = dict.fromkeys(("queued", "sent", "suppressed", "failed", "unknown"), 0)
    for state in states:
        expected[BOOK_OF_STATE[DeliveryState(state)]] += 1
    assert (status["by_state"], status["planned"]) == (expected, 6)


def test_those_blocked_at_launch_are_planned_and_suppressed(session: Session) -> None:
    make_people(session, 2)
    make_people(session, email=None)
    make_run(session)
    status = campaign_status(session, "hello")
    assert (status["planned"], status["by_state"]["suppressed"], status["reasons"]) == (3, 1, {Reason.NO_ADDRESS: 1})


def test_answers_are_counted_by_message_and_machines_apart(session: Session) -> None:
    make_people(session, 2)
    run = make_run(session)
    first, second = deliveries(session, run)
    seen = [
        ("open", False, first),
        ("open", False, first),
        ("open", True, second),
        ("click", False, first),
        ("click", True, second),
        ("reply", False, second),
        ("unsubscribe", False, second),
    ]
    session.add_all(
        Event(event_key=str(n), kind=kind, is_machine=is_machine, delivery_id=row.id, at=WEDNESDAY)
        for n, (kind, is_machine, row) in enumerate(seen)
    )
    set_states(session, run, ["bounced_hard", "complained"])
    status = campaign_status(session, "hello")
    assert [
        status[name]
        for name in ("opened_human", "opened_machine", "clicked", "replied", "unsubscribed", "bounced", "complained")
    ] == [1, 1, 1, 1, 1, 1, 1]


def test_the_cost_is_that_of_what_was_sent_or_made(session: Session) -> None:
    make_people(session, 3, phone="+33 1")
    set_states(session, make_run(session), ["sent", "delivered", "suppressed"])
    calls = make_run(session, campaign="calls", steps=[{**CALL, "after": "0 days"}])
    set_states(session, calls, ["sent"] * 3)
    outcomes = ("call_reached", Reason.CALL_NOT_DONE.value, None)
    for row, outcome in zip(deliveries(session, calls), outcomes, strict=True):
        row.reason = outcome
    session.flush()
    assert (campaign_status(session, "hello")["cost"], campaign_status(session, "calls")["cost"]) == (0.1, 18.0)


def test_orders_count_since_the_launch_and_only_of_accounts_that_take_part(session: Session) -> None:
    people = make_people(session, 2)
    make_order(session, people[0].account, on=date(2026, 3, 10))
    run = make_run(session)
    make_order(session, people[0].account, on=date(2026, 3, 12))
    make_order(session, make_people(session)[0].account, on=date(2026, 3, 12))
    assert campaign_status(session, "hello")["orders"] == 1
    assert run.launched_at == WEDNESDAY


def test_the_export_has_a_row_per_intended_message_with_the_source_systems_ids(session: Session) -> None:
    person = make_people(session, phone="+33 1", email="jane@example.com")[0]
    make_run(session)
    rows = list(export_rows(session, "hello"))
    assert [tuple(row) for row in rows] == [EXPORT_COLUMNS]
    assert rows[0] == {
        "account_id": person.account.external_id,
        "contact_id": person.external_id,
        "email": "jane@example.com",
        "step": "hello",
        "channel": "email",
        "state": "queued",
        "reason": None,
        "due_at": WEDNESDAY,
        "sent_at": None,
        "message_id": None,
        "attempts": 0,
    }


def test_steps_are_counted_one_by_one(session: Session) -> None:
    make_people(session, 2)
    run = make_run(session, steps=[HELLO, {**HELLO, "id": "more", "after": "1 day"}])
    set_states(session, run, ["sent", "failed_render"])
    assert count_steps(tally_messages(session, run.campaign_id)) == [
        {
            "position": 0,
            "step": "hello",
            "channel": "email",
            "planned": 2,
            "queued": 0,
            "sent": 1,
            "suppressed": 0,
            "failed": 1,
            "unknown": 0,
        }
    ]


def test_an_unknown_campaign_is_answered_with_the_nearest_name(session: Session) -> None:
    make_people(session)
    make_run(session)
    with pytest.raises(NotFound, match='did you mean "hello"'):
        campaign_status(session, "helo")


def test_a_status_says_nothing_of_other_campaigns(session: Session) -> None:
    make_people(session, 2)
    make_run(session)
    make_run(session, campaign="other")
    assert campaign_status(session, "other")["planned"] == 2
