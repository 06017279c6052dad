"""Events by webhook: signed over the raw bytes, at most five minutes old, each once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from campaigns.hook_forms import read_events
from campaigns.hooks import hook_token
from campaigns.models import Attempt, ConversationLock, Delivery, EarlierMessageId, Event, EventHook, Suppression
from core import clock
from core.db import reading, transaction
from core.secrets import encrypt
from tests.abm.outreach.test_public_pages import count
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0"
MESSAGE_ID = "<m1@example.com>"


@pytest.fixture
def browser(app: Any, client_as: Any) -> Any:
    app.config["WTF_CSRF_ENABLED"] = True
    return client_as(None)


@pytest.fixture
def sent(app: Any) -> Delivery:
    """A message that was sent an hour ago."""
    with transaction() as session:
        make_people(session, email="jane.doe@example.com")
        delivery = deliveries(session, make_run(session, stop_when=["reply", "hard_bounce", "complaint"]))[0]
        delivery.state, delivery.sent_at = "sent", clock.now() - timedelta(hours=1)
        delivery.message_id = MESSAGE_ID
        session.add(EarlierMessageId(message_id=MESSAGE_ID, delivery_id=delivery.id))
        session.flush()
        session.expunge(delivery)
        return delivery


def make_hook(form: str = "standard") -> str:
    """The path of a hook's address."""
    with transaction() as session:
        hook = EventHook(name=form, form=form, secret_sealed=encrypt(SECRET), created_at=clock.now())
        session.add(hook)
        session.flush()
        return f"/hooks/{hook_token(hook.id)}"


def sign(body: bytes, *, at: datetime | None = None, prefix: str = "webhook", call: str = "msg_1") -> dict[str, str]:
    moment = at or datetime.now(tz=UTC)
    return {f"{prefix}-id": call, f"{prefix}-timestamp": str(int(moment.timestamp())),
            f"{prefix}-signature": Webhook(SECRET).sign(call, moment, body.decode())}


def call(browser: Any, path: str, told: object, **how: Any) -> Any:
    body = json.dumps(told).encode()
    return browser.post(path, data=body, content_type="application/json", headers=sign(body, **how))


def event(kind: str, **told: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": clock.now().isoformat(), "data": {"message_id": MESSAGE_ID, **told}}


def stored() -> list[Mapping[str, Any]]:
    with reading() as session:
        return [dict(row) for row in session.execute(
            select(Event.kind, Event.code, Event.is_machine, Event.text).order_by(Event.id)).mappings()]


def state_of(sent: Delivery) -> str:
    with reading() as session:
        return session.scalars(select(Delivery.state).where(Delivery.id == sent.id)).one()


@pytest.mark.parametrize(
    ("told", "kind", "state"),
    [
        (event("bounce", status="5.1.1", text="550 5.1.1 User unknown"), "bounce_hard", "bounced_hard"),
        (event("bounce", status="4.2.2", text="452 4.2.2 Mailbox full"), "bounce_soft", "bounced_soft"),
        (event("bounce", status="5.7.1", text="550 5.7.26 DMARC policy"), "blocked", "bounced_soft"),
        (event("complaint"), "complaint", "complained"),
        (event("delivered"), "delivered", "delivered"),
        (event("delayed"), "delayed", "sent"),
        (event("open", agent=AGENT), "open", "sent"),
        (event("click", agent=AGENT, url="https://example.com/"), "click", "sent"),
        (event("reply", body="Yes, call me.\n\n> Hello"), "reply", "sent"),
    ],
)
def test_each_kind_is_applied(browser: Any, sent: Delivery, told: dict[str, Any], kind: str, state: str) -> None:
    answer = call(browser, make_hook(), told)

    assert (answer.status_code, answer.json) == (200, {"events": [{"kind": kind, "outcome": "applied"}]})
    assert ([row["kind"] for row in stored()], state_of(sent)) == ([kind], state)


def test_a_policy_refusal_is_never_held_against_the_person(browser: Any, sent: Delivery) -> None:
    call(browser, make_hook(), event("bounce", status="5.7.515", text="550 5.7.515 Access denied"))

    assert count(Suppression) == 0


def test_an_answer_locks_the_conversation_and_keeps_its_new_words(browser: Any, sent: Delivery) -> None:
    call(browser, make_hook(), event("reply", body="Yes, call me.\n\n> Hello"))

    assert (count(ConversationLock), stored()[0]["text"]) == (1, "Yes, call me.")


def test_an_open_by_a_program_is_marked(browser: Any, sent: Delivery) -> None:
    call(browser, make_hook(), event("open", agent="Mozilla/5.0"))

    assert [row["is_machine"] for row in stored()] == [True]


def test_a_repeat_has_no_effect(browser: Any, sent: Delivery) -> None:
    path, told = make_hook(), event("bounce", status="5.1.1", text="550 5.1.1 User unknown")
    call(browser, path, told)
    again = call(browser, path, told)

    assert again.json == {"events": [{"kind": "bounce_hard", "outcome": "duplicate"}]}
    assert len(stored()) == 1


def test_an_event_about_a_message_that_is_not_ours_changes_nothing(browser: Any, sent: Delivery) -> None:
    told = event("bounce", message_id="<forged@example.com>", address="jane.doe@example.com", status="5.1.1")
    answer = call(browser, make_hook(), told)

    assert (answer.json["events"][0]["outcome"], stored(), count(Suppression)) == ("unmatched", [], 0)


@pytest.mark.parametrize("seconds", [-310, 310])
def test_a_call_that_is_more_than_five_minutes_off_is_refused(browser: Any, sent: Delivery, seconds: int) -> None:
    moment = datetime.now(tz=UTC) + timedelta(seconds=seconds)

    assert (call(browser, make_hook(), event("complaint"), at=moment).status_code, stored()) == (401, [])


@pytest.mark.parametrize("seconds", [-290, 290])
def test_a_call_within_five_minutes_is_taken(browser: Any, sent: Delivery, seconds: int) -> None:
    moment = datetime.now(tz=UTC) + timedelta(seconds=seconds)

    assert call(browser, make_hook(), event("complaint"), at=moment).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, signed: (body + b" ", signed),
        lambda body, signed: (body.replace(b"complaint", b"delivered"), signed),
        lambda body, _signed: (body, {}),
        lambda body, signed: (body, signed | {"webhook-signature": "v1,AAAA"}),
        lambda body, signed: (body, signed | {"webhook-signature": "nonsense"}),
        lambda body, signed: (body, signed | {"webhook-id": "other"}),
        lambda body, signed: (body, signed | {"webhook-timestamp": "1e400"}),
        lambda _body, signed: (b"\xff\xfe", signed),
    ],
)
def test_what_is_not_signed_byte_by_byte_is_refused(browser: Any, sent: Delivery, spoil: Any) -> None:
    body = json.dumps(event("complaint")).encode()
    body, headers = spoil(body, sign(body))
    answer = browser.post(make_hook(), data=body, content_type="application/json", headers=headers)

    assert (answer.status_code, stored()) == (401, [])


def test_an_address_that_is_not_ours_or_switched_off_is_not_there(browser: Any, sent: Delivery) -> None:
    path = make_hook()
    with transaction() as session:
        session.scalars(select(EventHook)).one().is_active = False

    assert call(browser, path, event("complaint")).status_code == 404
    assert call(browser, "/hooks/1", event("complaint")).status_code == 404


def test_signed_nonsense_is_refused_and_changes_nothing(browser: Any, sent: Delivery) -> None:
    path = make_hook()
    for body, code in ((b"{", 400), (b"[]", 200), (b'{"type": 5}', 200), (b'{"events": [1, {"type": "open"}]}', 200)):
        answer = browser.post(path, data=body, content_type="application/json", headers=sign(body))
        assert answer.status_code == code
    assert browser.post(path, data=b"a=b", headers=sign(b"a=b")).status_code == 415
    assert stored() == []


def resend(kind: str, **told: Any) -> dict[str, Any]:
    """The form of Resend's public documentation."""
    return {"type": f"email.{kind}", "created_at": clock.now().isoformat(), "data": {
        "email_id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", "from": "Sales <sales@example.com>",
        "to": ["jane.doe@example.com"], "subject": "Hello", **told}}


HEADERS = [{"name": "X-ABM-Message-ID", "value": MESSAGE_ID}]
BOUNCE = {"message": "The recipient's mail server rejected the message.", "type": "Permanent", "subType": "General"}


def test_resends_events_are_matched_by_our_header_or_by_its_own_id(browser: Any, sent: Delivery) -> None:
    path = make_hook("resend")
    with transaction() as session:
        session.add(Attempt(delivery_id=sent.id, number=1, fence=1, worker="w", phase="dot", outcome="sent", code=200,
                            text="taken as 49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", at=clock.now()))
    by_header = call(browser, path, resend("delivered", headers=HEADERS), prefix="svix", call="a")
    by_id = call(browser, path, resend("bounced", bounce=BOUNCE), prefix="svix", call="b")
    other = call(browser, path, resend("bounced", email_id="other", bounce=BOUNCE), prefix="svix", call="c")

    assert [answer.json["events"][0]["outcome"] for answer in (by_header, by_id, other)] == [
        "applied", "applied", "unmatched"]
    assert [row["kind"] for row in stored()] == ["delivered", "bounce_hard"]


@pytest.mark.parametrize(
    ("kind", "sub", "status"),
    [("Permanent", "General", "5.1.1"), ("Permanent", "NoEmail", "5.1.1"), ("Transient", "MailboxFull", "4.2.2"),
     ("Transient", "General", "4.0.0"), ("Transient", "ContentRejected", "5.7.1"), ("Undetermined", "", "4.0.0"),
     ("Transient", "MessageTooLarge", "5.3.4")],
)  # fmt: skip
def test_resends_words_become_codes(kind: str, sub: str, status: str) -> None:
    [found] = read_events("resend", resend("bounced", bounce={"type": kind, "subType": sub}))

    assert (found.kind, found.status) == ("bounce", status)


def test_a_click_told_by_resend_has_its_link_and_signs(browser: Any, sent: Delivery) -> None:
    visit = {"link": "https://example.com/", "ipAddress": "203.0.113.9", "userAgent": AGENT,
             "timestamp": clock.now().isoformat()}
    call(browser, make_hook("resend"), resend("clicked", headers=HEADERS, click=visit), prefix="svix")

    with reading() as session:
        [found] = session.execute(select(Event.raw, Event.link_id, Event.is_machine))
    assert (found.raw["agent"], found.raw["ip"], found.is_machine, found.link_id is None) == (
        AGENT, "203.0.113.9", False, False)


def test_resends_other_events_are_taken_and_left_out(browser: Any, sent: Delivery) -> None:
    assert call(browser, make_hook("resend"), resend("sent"), prefix="svix").json == {"events": []}
