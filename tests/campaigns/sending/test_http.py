"""Providers over HTTP: no message is made twice, and what cannot be known is unknown."""

import socket
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email import message_from_bytes
from pathlib import Path

import pytest

from campaigns.channels import email as email_channel
from campaigns.channels.http import HttpCarrier, HttpLimits
from campaigns.channels.providers import Meaning, idempotency_key, judge, target_of
from campaigns.dispatch import drain
from campaigns.models import RelayHealth
from campaigns.sending import breaker
from campaigns.states import Reason
from core import clock
from core.db import reading, transaction
from core.secrets import encrypt
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states
from tests.provider import KEY, each_once, running_provider
from tests.sending_factory import make_identity

QUICK = HttpLimits(request=0.4, doubt=1.5, busy=1.5)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, engine_side: Path) -> None:
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
    settings.cache_clear()
    monkeypatch.setattr(email_channel, "HttpCarrier",
                        lambda route, journal, may_begin: HttpCarrier(route, journal, may_begin, QUICK))


def send(base_url: str, *, people: int = 1, kind: str = "resend", key: str = KEY, connections: int = 2) -> None:
    running_campaign(people)
    with transaction() as session:
        make_identity(session, kind=kind, base_url=base_url, secret_sealed=encrypt(key), connections=connections)
    drain()


def test_messages_reach_the_provider_with_all_that_matters(quick: None) -> None:
    with running_provider() as (provider, url):
        send(url, people=25)
    assert states() == {"sent": 25}
    assert len(provider.made) == 25
    one = next(made for made in provider.made if made["to"] == ["jane1@example.com"])
    assert one["from"] == "Sales <sales@example.com>"
    assert one["subject"] == "Hello Jane1"
    assert "Dear Jane1" in one["html"]
    assert "Dear Jane1" in one["text"]
    assert one["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert one["headers"]["List-Unsubscribe"].startswith("<http")


def test_a_generic_gateway_gets_the_whole_message(quick: None) -> None:
    with running_provider() as (provider, url):
        provider.take = lambda key, body: (202, {"id": key, "seen": "yes"})  # type: ignore[method-assign]
        send(f"{url}/v1/send", kind="json")
    assert states() == {"sent": 1}
    import json

    asked = json.loads(provider.asked[0][1])
    assert asked["id"] == provider.asked[0][0]
    assert asked["envelope_to"] == "jane1@example.com"
    assert message_from_bytes(b64decode(asked["message"]))["Subject"] == "Hello Jane1"


@contextmanager
def never_opening() -> Iterator[str]:
    """The address of a listener whose queue is full: a connection to it is neither taken nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as queue:
        for _ in range(4):
            one = queue.enter_context(socket.socket())
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/send"


def test_a_provider_that_never_opens_holds_the_others_up_only_once_per_slice(quick: None) -> None:
    began = time.monotonic()
    with never_opening() as url:
        send(url, people=60, kind="json")
    assert time.monotonic() - began < 60 / 2 * QUICK.request / 2
    waiting = {(row.state, row.reason) for row in deliveries()}
    assert ("deferred", "no_way_out") in waiting
    assert waiting <= {("deferred", "no_way_out"), ("queued", "sender_paused")}
    assert "timed out" in str(next(row.detail for row in deliveries() if row.reason == "no_way_out"))


def test_a_provider_that_drips_through_its_handshake_is_left_after_the_time_for_a_request(quick: None) -> None:
    def drip(listener: socket.socket) -> None:
        with suppress(OSError):
            one, _address = listener.accept()
            with one:
                for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 40:
                    one.send(bytes([byte]))
                    time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        began = time.monotonic()
        send(f"https://127.0.0.1:{listener.getsockname()[1]}/send", kind="json", connections=1)
        assert time.monotonic() - began < 3
    thread.join(6)
    assert [(row.state, row.reason) for row in deliveries()] == [("deferred", "no_way_out")]


@pytest.mark.parametrize("fault", ["500 after accept", "time-out after accept", "drop after accept", "html", "bomb",
                                   "concurrent", "429 0", "drip"])
def test_one_fault_is_asked_again_with_the_same_key_and_nothing_is_made_twice(quick: None, fault: str) -> None:
    with running_provider([fault]) as (provider, url):
        send(url, people=3, connections=1)
        assert states() == {"sent": 3}
        assert len(provider.made) == 3
        assert len(provider.asked) == 4
        assert each_once(provider)


@pytest.mark.parametrize(("fault", "state"), [
    ("500 after accept", "unknown"), ("time-out after accept", "unknown"), ("html", "unknown"), ("bomb", "unknown"),
    ("429 0", "deferred"), ("422", "failed_permanent"), ("redirect", "deferred")])
def test_a_fault_that_stays_is_told_as_what_is_known(quick: None, fault: str, state: str) -> None:
    with running_provider([fault] * 50) as (provider, url):
        send(url)
        assert states() == {state: 1}
        assert len(provider.made) <= 1
        assert each_once(provider)


def test_unknown_messages_are_never_asked_for_again_by_themselves(quick: None) -> None:
    with running_provider(["500 after accept"] * 50) as (provider, url):
        send(url)
        asked = len(provider.asked)
        provider.script.clear()
        drain()
        assert len(provider.asked) == asked
    assert states() == {"unknown": 1}


def test_a_provider_that_asks_to_wait_longer_than_we_hold_a_message_gets_it_later(quick: None) -> None:
    with running_provider(["429 30"]) as (provider, url):
        started = time.monotonic()
        send(url)
        assert time.monotonic() - started < 5
        assert provider.made == []
    assert states() == {"deferred": 1}


def test_a_used_up_quota_is_not_asked_for_message_by_message(quick: None) -> None:
    with running_provider(["429 3600"] * 100) as (provider, url):
        send(url, people=40, connections=2)
        drain()
        assert len(provider.asked) <= 4
    with reading() as session:
        [health] = session.query(RelayHealth)
        assert health.paused_until is not None
        assert 3_500 < (health.paused_until - clock.now()).total_seconds() <= 3_600
    assert {one.reason for one in deliveries()} == {Reason.NOT_TAKEN, Reason.SENDER_PAUSED}
    assert sum(one.attempts for one in deliveries()) <= 2


@pytest.mark.parametrize("fault", ["500 after accept", "drop after accept"])
def test_a_provider_in_trouble_leaves_a_few_messages_in_doubt_and_not_all(quick: None, fault: str) -> None:
    with running_provider([fault] * 1_000) as (provider, url):
        started = time.monotonic()
        send(url, people=40, connections=2)
        assert time.monotonic() - started < 5
        assert len(provider.made) <= 2
        assert states() == {"unknown": 2, "queued": 38}
        provider.script.clear()
        with transaction() as session:
            breaker.try_now(session, session.query(RelayHealth).one().identity_id)
        drain()
    assert states() == {"unknown": 2, "sent": 38}


def test_a_key_that_is_not_accepted_pauses_the_identity(quick: None) -> None:
    with running_provider() as (provider, url):
        send(url, people=20, key="wrong", connections=1)
        drain()
        assert (provider.made, len(provider.asked)) == ([], 1)
    with reading() as session:
        [health] = session.query(RelayHealth)
        assert (health.times_paused, "API key is invalid" in health.reason) == (1, True)
    assert {(one.state, one.reason) for one in deliveries()} <= {
        ("deferred", Reason.NO_WAY_OUT), ("queued", Reason.SENDER_PAUSED)}
    assert "auth: 403 API key is invalid." in {one.detail for one in deliveries()}


def test_a_provider_that_is_not_there_defers_and_says_so(quick: None) -> None:
    send("http://127.0.0.1:9")
    assert states() == {"deferred": 1}
    assert "refused" in (deliveries()[0].detail or "")


def test_a_provider_in_the_own_network_is_refused(engine_side: Path) -> None:
    with running_provider() as (provider, url):
        send(url)
        assert provider.asked == []
    assert states() == {"deferred": 1}


def test_a_changed_message_under_a_known_key_is_in_doubt_and_not_made_again(quick: None) -> None:
    with running_provider() as (provider, url):
        running_campaign(1)
        [one] = deliveries()
        provider.known[idempotency_key(one.id)] = (b"another", {"id": "x"})
        with transaction() as session:
            make_identity(session, kind="resend", base_url=url, secret_sealed=encrypt(KEY))
        drain()
        assert provider.made == []
    assert states() == {"unknown": 1}


@pytest.mark.parametrize(("status", "headers", "body", "meaning"), [
    (200, {}, b'{"id": "x"}', Meaning.TAKEN), (202, {}, b'{"id": 7}', Meaning.TAKEN),
    (200, {}, b"[]", Meaning.ASK_AGAIN),
    (200, {}, b"[" * 100_000, Meaning.ASK_AGAIN), (204, {}, b"", Meaning.ASK_AGAIN),
    (401, {}, b"", Meaning.NO_ACCESS), (404, {}, b"", Meaning.NO_ACCESS), (400, {}, b"", Meaning.REFUSED),
    (413, {}, b"", Meaning.REFUSED), (408, {}, b"", Meaning.ASK_AGAIN), (503, {}, b"", Meaning.ASK_AGAIN),
    (409, {}, b'{"name": "invalid_idempotent_request"}', Meaning.DOUBT), (409, {}, b"", Meaning.ASK_AGAIN)])
def test_what_an_answer_means(status: int, headers: dict[str, str], body: bytes, meaning: Meaning) -> None:
    assert judge(status, headers, body).meaning is meaning


def test_waiting_times_and_paths() -> None:
    assert judge(429, {"retry-after": "7"}, b"").wait == 7
    assert judge(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"").wait == 60
    assert target_of("resend", "https://api.resend.com") == "/emails"
    assert target_of("json", "https://gateway.example.com/v1/send/") == "/v1/send"
