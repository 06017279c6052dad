"""What comes back changes the books once, in whatever order, and only where it speaks of a message of ours."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.outreach.answers import list_answers
from abm.work.actions import finish_task
from abm.work.models import Task
from campaigns import consent, stops
from campaigns.events import Said, apply_late_events, record_event
from campaigns.locks import holds_up
from campaigns.message_ids import message_id as own_message_id
from campaigns.models import (
    ConsentEvent,
    ConversationLock,
    Delivery,
    EarlierMessageId,
    Enrolment,
    Event,
    Suppression,
)
from campaigns.receipts import receive_message
from campaigns.states import Reason
from campaigns.tracking import envelope_sender
from core import clock
from core.settings import settings
from tests.campaigns.campaign_factory import CALL, HELLO, deliveries, make_people, make_run
from tests.factories import make_contact, make_user

pytestmark = pytest.mark.usefixtures("engine_side")


def make_sent(session: Session, **values: object) -> Delivery:
    """One message that was sent to one person."""
    make_people(session)
    run = make_run(session, stop_when=["reply", "hard_bounce", "opt_out", "complaint"], **values)
    delivery = deliveries(session, run)[0]
    delivery.state, delivery.sent_at = "sent", clock.now()
    delivery.message_id = own_message_id(delivery.id, "jane@example.com")
    session.flush()
    return delivery


def bounce(
    delivery: Delivery,
    *,
    status: str = "5.1.1",
    text: str = "550 5.1.1 User unknown",
    action: str = "failed",
    message_id: str | None = None,
) -> bytes:
    identity = delivery.message_id if message_id is None else message_id
    return f"""From: MAILER-DAEMON@mx.example.com
To: sales@example.com
Subject: Undelivered Mail
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {delivery.address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {text}

--b
Content-Type: message/rfc822

Message-ID: {identity}
Subject: Hello

Hi
--b--
""".encode()


def complaint(delivery: Delivery) -> bytes:
    return f"""From: fbl@provider.example
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse

--b
Content-Type: message/rfc822

X-ABM-Message-ID: {delivery.message_id}
To: redacted@provider.example
Subject: Hello

Hi
--b--
""".encode()


def answer(delivery: Delivery, *, headers: str = "Subject: Re: Hello", text: str = "Yes, call me.") -> bytes:
    head = f"From: {delivery.address}\n{headers}\nIn-Reply-To: {delivery.message_id}\n"
    return f"{head}\n{text}\n\n> Hello\n".encode()


def stops_of(session: Session) -> set[tuple[str, str]]:
    return {
        (row.scope, row.reason) for row in session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None)))
    }


def test_a_message_id_of_the_earlier_form_still_finds_its_message(session: Session) -> None:
    delivery = make_sent(session)
    delivery.message_id = "<0123456789abcdef@example.com>"
    session.add(EarlierMessageId(message_id=delivery.message_id, delivery_id=delivery.id))
    session.flush()
    receive_message(session, bounce(delivery))
    session.refresh(delivery)
    assert delivery.state == "bounced_hard"


def test_the_number_of_a_message_in_a_forged_message_id_finds_nothing(session: Session) -> None:
    delivery = make_sent(session)
    receipt = receive_message(session, bounce(delivery, message_id=f"<{delivery.id:x}.{'0' * 32}@example.com>"))
    session.refresh(delivery)
    assert (receipt.outcome, delivery.state) == ("unmatched", "sent")


def test_a_hard_bounce_suppresses_the_address_for_all_mail_and_ends_the_sequence(session: Session) -> None:
    delivery = make_sent(session)
    receipt = receive_message(session, bounce(delivery))

    assert (receipt.kind, receipt.outcome, receipt.is_hard, receipt.status) == ("bounce_hard", "applied", True, "5.1.1")
    assert delivery.state == "bounced_hard"
    assert stops_of(session) == {("address", "hard_bounce")}
    assert session.get(Enrolment, delivery.enrolment_id).state != "active"


def test_the_same_file_twice_counts_once(session: Session) -> None:
    delivery = make_sent(session)
    receive_message(session, bounce(delivery))

    assert receive_message(session, bounce(delivery)).outcome == "duplicate"
    assert len(list(session.scalars(select(Event)))) == 1


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        ("5.2.2", "552 5.2.2 Mailbox full", "bounce_soft"),
        ("5.7.26", "550 5.7.26 DMARC policy", "blocked"),
        ("5.3.4", "552 5.3.4 Message too big", "blocked"),
        ("4.4.7", "Message expired", "bounce_soft"),
    ],
)
def test_other_bounces_never_suppress_the_person(session: Session, status: str, text: str, kind: str) -> None:
    delivery = make_sent(session)

    assert receive_message(session, bounce(delivery, status=status, text=text)).kind == kind
    assert (delivery.state, stops_of(session)) == ("bounced_soft", set())


def test_a_delay_changes_nothing(session: Session) -> None:
    delivery = make_sent(session)
    receive_message(session, bounce(delivery, action="delayed", status="4.4.1", text="421 try later"))

    assert (delivery.state, stops_of(session)) == ("sent", set())


def test_a_report_about_an_unknown_message_changes_nothing(session: Session) -> None:
    delivery = make_sent(session)
    receipt = receive_message(session, bounce(delivery, message_id="<forged@example.com>"))

    assert (receipt.outcome, delivery.state, stops_of(session)) == ("unmatched", "sent", set())


def test_a_report_without_any_id_is_matched_by_the_address(session: Session) -> None:
    delivery = make_sent(session)
    raw = bounce(delivery).replace(b"Message-ID: " + str(delivery.message_id).encode() + b"\n", b"")

    assert receive_message(session, raw).delivery_id == delivery.id


def test_the_signed_envelope_address_names_the_message(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_sent(session)
    monkeypatch.setattr(settings(), "bounce_address", "bounces@b.example.com")
    own = envelope_sender("sales@example.com", delivery.id)
    raw = bounce(delivery, message_id="<rewritten@relay.example>").replace(
        b"To: sales@example.com", f"To: {own.upper()}".encode()
    )
    forged = raw.replace(own.upper().encode()[8:14], b"AAAAAA")

    assert receive_message(session, forged).outcome == "unmatched"
    assert receive_message(session, raw).delivery_id == delivery.id


def test_a_mailbox_that_stays_full_is_left_alone_in_the_end(session: Session, at: Callable[[datetime], None]) -> None:
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    at(first)
    delivery = make_sent(session)
    for days in (0, 1, 2, 8):
        assert stops_of(session) == set()
        at(first + timedelta(days=days))
        receive_message(session, bounce(delivery, status="5.2.2", text=f"552 5.2.2 Mailbox full {days}"))

    assert stops_of(session) == {("address", "soft_bounces")}


def test_a_complaint_counts_by_our_id_though_the_address_is_hidden(session: Session) -> None:
    delivery = make_sent(session)
    before = stops.current(session)
    receipt = receive_message(session, complaint(delivery))

    assert (receipt.kind, delivery.state) == ("complaint", "complained")
    assert stops_of(session) == {("address", "complaint"), ("contact", "complaint")}
    assert [entry.kind for entry in session.scalars(select(ConsentEvent))] == ["objected"]
    assert stops.current(session) > before


def test_an_answer_ends_the_sequence_and_locks_the_conversation(session: Session) -> None:
    delivery = make_sent(session)
    receipt = receive_message(session, answer(delivery))
    lock = session.get(ConversationLock, delivery.account_id)

    assert (receipt.kind, session.get(Enrolment, delivery.enrolment_id).end_reason) == ("reply", "replied")
    assert lock is not None
    assert lock.until - clock.now() > timedelta(days=13)
    assert session.scalars(select(Event.text)).one() == "Yes, call me."


def test_the_talk_that_a_branch_on_replies_asks_for_is_not_held_up_by_its_own_conversation(session: Session) -> None:
    delivery = make_sent(session)
    receive_message(session, answer(delivery))
    lock = session.get(ConversationLock, delivery.account_id)
    asked = {"run_id": delivery.run_id, "channel": "call"}
    assert not holds_up(lock, contact_id=delivery.contact_id, **asked)
    assert holds_up(lock, contact_id=delivery.contact_id + 1, **asked)


def test_a_call_that_the_answer_of_a_colleague_put_off_is_due_once_the_person_answers_too(session: Session) -> None:
    [first] = make_people(session)
    make_contact(session, first.account)
    one, other = deliveries(session, make_run(session, steps=[HELLO, CALL], stop_when=["opt_out"]))
    for message in (one, other):
        message.state, message.message_id = "sent", own_message_id(message.id, "jane@example.com")
    calls = [Delivery(**{name: getattr(message, name) for name in (
        "run_id", "version_id", "enrolment_id", "account_id", "contact_id", "planned_at", "expires_at")},
        position=1, step="call", channel="call", generation=1, state="deferred", fence=0, attempts=0,
        reason=Reason.CONVERSATION_LOCKED, due_at=clock.now() + timedelta(days=14)) for message in (one, other)]
    session.add_all(calls)
    session.flush()
    due = []
    for message in (one, other):
        receive_message(session, answer(message))
        due.append([session.get(Delivery, call.id, populate_existing=True).due_at <= clock.now() for call in calls])
    assert due == [[True, False], [True, True]]


def test_an_answer_stands_on_the_timeline_and_gives_the_conversation_to_the_owner(session: Session) -> None:
    delivery = make_sent(session)
    owner = make_user(session)
    session.get(Account, delivery.account_id).owner_id = owner.id
    receive_message(session, answer(delivery))
    [line] = session.scalars(select(AccountEvent).where(AccountEvent.kind == "reply"))
    [shown] = list_answers(session, delivery.account_id)

    assert session.get(ConversationLock, delivery.account_id).owner_id == owner.id
    assert (line.text, line.contact_id) == ("Yes, call me.", delivery.contact_id)
    assert line.link == f"/campaigns/{shown.campaign_id}/messages/{delivery.id}"
    assert (shown.text, shown.delivery_id) == ("Yes, call me.", delivery.id)


def test_an_answer_is_something_to_do_for_the_owner_and_a_second_one_adds_to_it(session: Session) -> None:
    delivery = make_sent(session)
    owner = make_user(session)
    session.get(Account, delivery.account_id).owner_id = owner.id
    receive_message(session, answer(delivery))
    [task] = session.scalars(select(Task))
    assert (task.owner_id, task.contact_id, task.state, task.note) == (
        owner.id, delivery.contact_id, "open", "Yes, call me.")
    assert (task.due_on, task.origin) == (clock.today(), "reply")
    assert str(task.extra["link"]).endswith(f"/messages/{delivery.id}")

    receive_message(session, answer(delivery, text="Or write to me."))
    assert [(one.id, one.note) for one in session.scalars(select(Task))] == [
        (task.id, "Or write to me.\n\nYes, call me.")]
    finish_task(session, task_id=task.id)
    receive_message(session, answer(delivery, text="Are you there?"))
    assert sorted(one.state for one in session.scalars(select(Task))) == ["done", "open"]


def test_what_a_machine_answers_stands_nowhere(session: Session) -> None:
    delivery = make_sent(session)
    receive_message(session, answer(delivery, headers="Subject: Out of office\nAuto-Submitted: auto-replied"))

    assert list_answers(session, delivery.account_id) == []
    assert session.scalars(select(AccountEvent).where(AccountEvent.kind == "reply")).all() == []
    assert session.scalars(select(Task)).all() == []


def test_an_auto_reply_ends_nothing(session: Session) -> None:
    delivery = make_sent(session)
    enrolment = session.get(Enrolment, delivery.enrolment_id)
    before = enrolment.state
    receipt = receive_message(session, answer(delivery, headers="Subject: Out of office\nAuto-Submitted: auto-replied"))

    assert (receipt.kind, receipt.outcome) == ("auto_reply", "applied")
    assert (enrolment.state, enrolment.end_reason, session.get(ConversationLock, delivery.account_id)) == (
        before,
        None,
        None,
    )


def test_an_answer_from_a_stranger_changes_nothing(session: Session) -> None:
    make_sent(session)

    assert receive_message(session, b"From: stranger@example.org\nSubject: Hello\n\nHi").outcome == "unmatched"


def test_events_in_any_order_give_the_same_end(session: Session) -> None:
    ends = set()
    make_people(session, 120)
    rows = deliveries(session, make_run(session))
    kinds = ("open", "delivered", "bounce_soft", "bounce_hard", "complaint")
    for delivery, order in zip(rows, permutations(kinds), strict=True):
        delivery.state = "sent"
        session.flush()
        for kind in order:
            record_event(session, delivery=delivery, kind=kind, event_key=f"{kind}:{delivery.id}")
        session.refresh(delivery)
        ends.add(delivery.state)

    assert ends == {"complained"}


@pytest.mark.parametrize(
    ("kind", "state"), [("open", "sent"), ("delivered", "delivered"), ("bounce_hard", "bounced_hard")]
)
def test_an_event_settles_what_was_unknown(session: Session, kind: str, state: str) -> None:
    delivery = make_sent(session)
    delivery.state = "unknown"
    session.flush()
    record_event(session, delivery=delivery, kind=kind, event_key="x")
    session.refresh(delivery)

    assert delivery.state == state


def test_an_event_before_the_hand_over_was_recorded_is_applied_later(session: Session) -> None:
    delivery = make_sent(session)
    delivery.state = "handing"
    session.flush()
    record_event(session, delivery=delivery, kind="bounce_hard", event_key="x", said=Said(code="5.1.1"))
    session.refresh(delivery)
    assert delivery.state == "handing"

    delivery.state = "sent"
    session.flush()
    assert apply_late_events(session) == 1
    session.refresh(delivery)
    assert delivery.state == "bounced_hard"


def test_an_unsubscribe_ends_the_purpose_everywhere_and_once(session: Session) -> None:
    delivery = make_sent(session, purpose="win-back")
    first = consent.unsubscribe(session, delivery_id=delivery.id)
    second = consent.unsubscribe(session, delivery_id=delivery.id)

    assert (first.purpose, first.is_new, second.is_new) == ("win-back", True, False)
    assert consent.is_suppressed(session, address=str(delivery.address), purpose="win-back")
    assert not consent.is_suppressed(session, address=str(delivery.address), purpose="newsletter")
    assert len(list(session.scalars(select(ConsentEvent)))) == 1


def test_all_mail_and_a_domain_cover_every_purpose(session: Session) -> None:
    delivery = make_sent(session)
    consent.unsubscribe(session, delivery_id=delivery.id, is_all_mail=True)
    consent.suppress_domain(session, domain="Example.ORG", reason="competitor")

    assert consent.is_suppressed(session, address=str(delivery.address).upper(), purpose="anything")
    assert consent.is_suppressed(session, address="a@example.org", purpose="anything")


def test_a_lifted_stop_is_over_and_may_be_set_again(session: Session) -> None:
    assert consent.suppress_address(session, address="a@example.com", reason="asked")
    assert not consent.suppress_address(session, address="A@Example.com ", reason="asked")
    assert consent.lift_address(session, address="a@example.com", reason="asked again") == 1
    assert not consent.is_suppressed(session, address="a@example.com")
    assert consent.suppress_address(session, address="a@example.com", reason="asked")
