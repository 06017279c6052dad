"""What comes back may come in any order and any number of times: the end is the same."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import consent
from campaigns.channels.base import Outcome, Result
from campaigns.events import apply_late_events, record_event
from campaigns.models import ConsentEvent, ConversationLock, Delivery, Enrolment, Event
from campaigns.receipts import receive_message
from campaigns.recording import record_outcomes
from core import clock
from tests.campaigns.test_receipts import answer, bounce, complaint, make_sent, stops_of

pytestmark = pytest.mark.usefixtures("engine_side")


def _told(kind: str) -> Callable[[Session, Delivery], object]:
    return lambda session, delivery: record_event(session, delivery=delivery, kind=kind, event_key=f"{kind}:1")


HAPPENINGS: Mapping[str, Callable[[Session, Delivery], object]] = {
    "hard": lambda session, delivery: receive_message(session, bounce(delivery)),
    "full": lambda session, delivery: receive_message(
        session, bounce(delivery, status="5.2.2", text="552 5.2.2 Mailbox full")),
    "policy": lambda session, delivery: receive_message(
        session, bounce(delivery, status="5.7.26", text="550 5.7.26 DMARC policy")),
    "late": lambda session, delivery: receive_message(
        session, bounce(delivery, action="delayed", status="4.4.1", text="421 try later")),
    "complaint": lambda session, delivery: receive_message(session, complaint(delivery)),
    "answer": lambda session, delivery: receive_message(session, answer(delivery)),
    "away": lambda session, delivery: receive_message(
        session, answer(delivery, headers="Subject: Out of office\nAuto-Submitted: auto-replied")),
    "stop": lambda session, delivery: consent.unsubscribe(session, delivery_id=delivery.id),
    "delivered": _told("delivered"), "open": _told("open"), "click": _told("click"),
    "recorded": lambda session, delivery: _hand_over_recorded(session, delivery),
}


def _hand_over_recorded(session: Session, delivery: Delivery) -> None:
    """The hand-over's own record may come after what the mailbox said of it."""
    if delivery.state == "handing":
        delivery.state = "sent"
        session.flush()


def _end(session: Session, delivery: Delivery) -> tuple[Any, ...]:
    _hand_over_recorded(session, delivery)
    apply_late_events(session)
    session.refresh(delivery)
    return (
        delivery.state, stops_of(session), session.get(ConversationLock, delivery.account_id) is not None,
        session.get(Enrolment, delivery.enrolment_id).state,
        sorted(session.execute(select(Event.kind, Event.code, Event.text)).all(), key=str),
        sorted(session.scalars(select(ConsentEvent.kind))),
    )


@given(data=st.data())
@settings(max_examples=15, phases=(Phase.generate,), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_number_gives_the_same_end(session: Session, at: Any, data: st.DataObject) -> None:
    at(datetime(2026, 3, 2, 9, tzinfo=UTC))
    chosen = data.draw(st.lists(st.sampled_from(sorted(HAPPENINGS)), unique=True, min_size=1))
    repeats = data.draw(st.lists(st.sampled_from(chosen), max_size=6))
    shuffled = data.draw(st.permutations(chosen + repeats))
    ends = []
    for order in (chosen, shuffled):
        savepoint = session.begin_nested()
        delivery = make_sent(session)
        delivery.state, delivery.message_id = "handing", "<1.00000000000000000000000000000000@example.com>"
        delivery.address = "jane@example.com"
        session.flush()
        for happening in order:
            HAPPENINGS[happening](session, delivery)
        ends.append(_end(session, delivery))
        savepoint.rollback()
        session.expire_all()
    assert ends[0] == ends[1]


def test_what_a_wrong_clock_told_before_the_hand_over_was_recorded_counts(session: Session) -> None:
    """A provider whose clock is a day behind tells of a bounce while the message is still being handed over."""
    delivery = make_sent(session)
    delivery.state, delivery.fence, delivery.attempts = "handing", 7, 1
    session.flush()
    now = clock.now()
    record_event(session, delivery=delivery, kind="bounce_hard", event_key="x", at=now - timedelta(days=1))
    record_outcomes(session, [Outcome(delivery.id, 7, Result.SENT, "dot", 250, "ok", now)], worker="w")
    session.refresh(delivery)
    assert delivery.state == "bounced_hard"
