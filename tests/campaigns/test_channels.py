"""The contract that every channel keeps, whatever it does outside: once, counted, stoppable, explained."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.work.models import Task
from campaigns.channels.registry import CARRIED, PLACED
from campaigns.channels.webhook_secrets import OVERLAP, read_turns, rotate_secret, secrets_of
from campaigns.definition import STEP_KINDS, parse, to_raw
from campaigns.definition_values import SILENT
from campaigns.dispatch import drain
from campaigns.keys import address_key
from campaigns.models import Campaign, Delivery, Letter, Suppression, Touch
from campaigns.outbox import begin_hand_over, claim_batch, give_back
from campaigns.preparing import prepare
from campaigns.states import Channel
from core import clock
from core.db import reading, transaction
from core.errors import Refused
from core.settings import ROOT, settings
from tests.outbox_factory import CALL_STEP, EMAIL_STEP, definition_with, deliveries, running_campaign, states

STEPS: dict[str, dict[str, Any]] = {
    "email": EMAIL_STEP,
    "call": CALL_STEP,
    "letter": {"id": "letter", "channel": "letter", "subject": "To {{ account.name }}",
               "body": "Dear {{ contact.first_name }},\n\nwe wrote **this** for you."},
    "visit": {"id": "visit", "channel": "visit", "brief": "See {{ contact.first_name }}"},
    "webhook": {"id": "hook", "channel": "webhook", "url": "http://127.0.0.1:1/hook",
                "payload": {"name": "{{ contact.first_name }}"}},
}


class Receiver:
    """A program that takes webhooks: keeps what it got, answers with the next of its statuses."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    def answer(self) -> int:
        return self.statuses.pop(0) if self.statuses else 200


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()

    class Reader(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers.items()), body))
            self.send_response(receiver.answer())
            self.end_headers()
            self.wfile.write(b"noted")

        def log_message(self, *_anything: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, str]]:
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
    settings.cache_clear()
    with receiving() as found:
        yield found


@pytest.fixture(params=sorted(STEPS))
def step(request: pytest.FixtureRequest, engine_side: Path, receiver: tuple[Receiver, str]) -> dict[str, Any]:
    chosen = dict(STEPS[request.param])
    return {**chosen, "url": receiver[1]} if request.param == "webhook" else chosen


def give_streets() -> None:
    with transaction() as session:
        for account in session.scalars(select(Account)):
            account.city, account.custom = "Lyon", {"street": "1 rue du Test", "postcode": "69001"}


def running(count: int, step: dict[str, Any], **more: Any) -> None:
    running_campaign(count, step=step, **more)
    give_streets()


def left_the_house(step: dict[str, Any], receiver: tuple[Receiver, str]) -> int:
    """What there is of it outside the engine's own books."""
    channel = step["channel"]
    with reading() as session:
        if channel in ("call", "visit"):
            return session.scalar(select(func.count()).select_from(Task).where(Task.kind == channel)) or 0
        if channel == "letter":
            return session.scalar(select(func.count()).select_from(Letter)) or 0
    if channel == "webhook":
        return len({headers["webhook-id"] for headers, _body in receiver[0].got})
    return len(list(settings().outbox_dir.glob("*.eml")))


def test_every_channel_is_under_this_contract() -> None:
    assert set(STEPS) == set(Channel) == {"email", *PLACED, *CARRIED}
    assert set(STEP_KINDS) == {*STEPS, *SILENT}


@pytest.mark.parametrize("kind", sorted(STEP_KINDS))
def test_every_kind_of_step_has_its_form(kind: str) -> None:
    assert (ROOT / "templates" / "outreach" / "steps" / f"_{kind}.html").is_file()


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_a_step_is_written_as_it_is_read(kind: str) -> None:
    definition = parse(definition_with([STEPS[kind]]))
    assert parse(to_raw(definition)) == definition


def test_a_due_delivery_leaves_once_and_counts_as_sent(step: dict[str, Any], receiver: tuple[Receiver, str]) -> None:
    running(4, step)
    drain()
    assert (states(), left_the_house(step, receiver)) == ({"sent": 4}, 4)
    assert drain().batches == 0
    assert left_the_house(step, receiver) == 4


def test_what_was_given_back_and_handed_over_again_is_there_once(
    step: dict[str, Any], receiver: tuple[Receiver, str]
) -> None:
    running(2, step)
    with transaction() as session:
        batch = claim_batch(session, worker="first", journal="j")
    assert batch is not None
    ready = prepare(batch, epoch=0)
    with transaction() as session:
        begin_hand_over(session, batch, [one.prepared for one in ready.ready])
        requests = [one.request for one in ready.ready if one.request is not None]
        if requests:
            PLACED[step["channel"]].place(session, requests)
            PLACED[step["channel"]].place(session, requests)
        give_back(session, fence=batch.fence)
    drain()
    assert (states(), left_the_house(step, receiver)) == ({"sent": 2}, 2)


def test_a_suppressed_person_gets_nothing(step: dict[str, Any], receiver: tuple[Receiver, str]) -> None:
    running(2, step)
    with transaction() as session:
        session.add(Suppression(scope="address", key=address_key("jane1@example.com"), reason="unsubscribed",
                                created_at=clock.now()))
    drain()
    assert (states(), left_the_house(step, receiver)) == ({"sent": 1, "suppressed": 1}, 1)


def test_a_cancelled_campaign_hands_nothing_over(step: dict[str, Any], receiver: tuple[Receiver, str]) -> None:
    running(2, step)
    with transaction() as session:
        session.scalars(select(Campaign)).one().state = "cancelled"
    drain()
    assert (states(), left_the_house(step, receiver)) == ({"cancelled": 2}, 0)


def test_a_touch_is_counted_with_its_points_and_cost(step: dict[str, Any]) -> None:
    running(1, step)
    drain()
    with reading() as session:
        touches = [(one.channel, one.points, one.cost_amount) for one in session.scalars(select(Touch))]
    channel = step["channel"]
    expected = {"email": (1, 500), "call": (2, 180_000), "letter": (1, 20_000), "visit": (4, 4_000_000)}
    assert touches == ([(channel, *expected[channel])] if channel in expected else [])


def test_a_refusing_row_does_not_stop_the_others(step: dict[str, Any], receiver: tuple[Receiver, str]) -> None:
    """A call and a visit show a dash for what is missing; whatever goes to the person itself is blocked."""
    from abm.contacts.models import Contact

    running(3, step)
    with transaction() as session:
        session.scalars(select(Contact).where(Contact.email == "jane2@example.com")).one().first_name = None
    drain()
    is_for_us = step["channel"] in ("call", "visit")
    assert states() == ({"sent": 3} if is_for_us else {"sent": 2, "failed_render": 1})
    assert left_the_house(step, receiver) == (3 if is_for_us else 2)


def test_a_letter_to_nowhere_is_left_out_with_its_reason(engine_side: Path) -> None:
    running_campaign(1, step=STEPS["letter"])
    drain()
    row = deliveries()[0]
    assert (row.state, row.reason) == ("suppressed", "no_address")
    assert "street" in (row.detail or "")


def test_a_webhook_can_be_verified_by_the_specifications_own_library(
    engine_side: Path, receiver: tuple[Receiver, str]
) -> None:
    from standardwebhooks.webhooks import Webhook

    running_campaign(1, step={**STEPS["webhook"], "url": receiver[1]})
    drain()
    headers, body = receiver[0].got[0]
    [secret] = secrets_of(receiver[1], {}, now=clock.now())
    said = Webhook(secret).verify(body, headers)
    assert (said["data"]["contact"]["contact_id"], said["data"]["values"]) == ("C1", {"name": "Jane1"})
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(secret).verify(body.replace(b"Jane1", b"Jane2"), headers)


def test_a_secret_made_anew_signs_beside_the_one_before_until_receivers_have_changed(
    engine_side: Path, receiver: tuple[Receiver, str]
) -> None:
    from standardwebhooks.webhooks import Webhook

    address = receiver[1]
    [old] = secrets_of(address, {}, now=clock.now())
    with transaction() as session:
        rotate_secret(session, url=address)
        turns = read_turns(session)
    with transaction() as session, pytest.raises(Refused, match="still signs"):
        rotate_secret(session, url=address)
    running_campaign(1, step={**STEPS["webhook"], "url": address})
    drain()
    headers, body = receiver[0].got[0]
    new, before = secrets_of(address, turns, now=clock.now())
    assert (before == old, new == old) == (True, False)
    for secret in (new, old):
        assert Webhook(secret).verify(body, headers)["data"]["step"] == STEPS["webhook"]["id"]
    later = clock.now() + OVERLAP
    assert secrets_of(address, turns, now=later) == (new,)
    assert secrets_of("https://other.example/x", turns, now=later) != (new,)


@pytest.mark.parametrize(("status", "state"), [(503, "deferred"), (429, "deferred"), (404, "failed_permanent"),
                                               (302, "failed_permanent"), (204, "sent")])
def test_the_answer_to_a_webhook_decides(
    engine_side: Path, receiver: tuple[Receiver, str], status: int, state: str
) -> None:
    receiver[0].statuses = [status]
    running_campaign(1, step={**STEPS["webhook"], "url": receiver[1]})
    drain()
    assert states() == {state: 1}


def test_every_try_of_a_webhook_bears_the_same_key(engine_side: Path, receiver: tuple[Receiver, str]) -> None:
    receiver[0].statuses = [500]
    running_campaign(1, step={**STEPS["webhook"], "url": receiver[1]})
    drain()
    with transaction() as session:
        session.scalars(select(Delivery)).one().due_at = clock.now()
    drain()
    keys = [headers["webhook-id"] for headers, _body in receiver[0].got]
    assert (len(keys), len(set(keys)), states()) == (2, 1, {"sent": 1})
    assert {headers["Idempotency-Key"] for headers, _body in receiver[0].got} == set(keys)


@pytest.mark.parametrize(("url", "word"), [
    ("https://127.0.0.1:9/hook", "own network"), ("https://localhost/hook", "own network"),
    ("http://example.com/hook", "use https"), ("https://169.254.169.254/latest", "own network"),
    ("https://[::1]/hook", "own network"), ("https://10.1.2.3/", "own network")])
def test_a_webhook_never_reaches_into_the_own_network(
    engine_side: Path, monkeypatch: pytest.MonkeyPatch, url: str, word: str
) -> None:
    monkeypatch.delenv("ABM_ALLOWED_HOSTS", raising=False)
    settings.cache_clear()
    running_campaign(1, step={**STEPS["webhook"], "url": url})
    drain()
    row = deliveries()[0]
    assert row.state == "failed_permanent"
    assert word in (row.detail or "")


def test_a_webhook_says_what_happened_and_nothing_that_was_not_asked_for(
    engine_side: Path, receiver: tuple[Receiver, str]
) -> None:
    running_campaign(1, step={**STEPS["webhook"], "url": receiver[1]})
    drain()
    said = json.loads(receiver[0].got[0][1])
    assert said["type"] == "campaign.step"
    assert (said["data"]["campaign"], said["data"]["step"]) == ("welcome", "hook")
    assert "+33" not in json.dumps(said)
