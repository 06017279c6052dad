"""Who tries too often is told to wait; recipients with a genuine link never are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from abm.users.throttle import wait_seconds
from abm.web import shared_counts
from abm.web.rate_limits import Counter, Limit
from campaigns.tracking import click_url, open_url, preferences_url, unsubscribe_url
from core import clock
from core.db import transaction
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
Set = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _noon(at: Set) -> None:
    at(NOON)


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_a_window_slides_and_says_how_long_to_wait(at: Set) -> None:
    counter = Counter(Limit(2, 10))
    counter.count("a")
    at(NOON + timedelta(seconds=4))
    counter.count("a")
    assert (counter.seconds_to_wait("a"), counter.seconds_to_wait("b")) == (6, 0)
    at(NOON + timedelta(seconds=10))
    assert counter.seconds_to_wait("a") == 0


@pytest.mark.parametrize("place", ["/u/nothing", "/c/nothing", "/o/nothing.gif", "/t/nothing", "/p/nothing",
                                   "/p/confirm/nothing", "/set-password/nothing"])
def test_guessing_tokens_ends_at_twenty_a_second(client_as: Callable[..., Any], at: Set, place: str) -> None:
    browser = client_as(None)
    assert {browser.get(place).status_code for _try in range(20)} == {404}
    refused = browser.get(place)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    at(NOON + timedelta(seconds=1))
    assert browser.get(place).status_code == 404


def test_a_genuine_link_works_for_who_guessed_too(client_as: Callable[..., Any]) -> None:
    browser = client_as(None)
    with transaction() as session:
        make_people(session)
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at = "sent", clock.now()
        own = delivery.id
    for _try in range(25):
        browser.get("/u/nothing")
    codes = [browser.get(path(url)).status_code for _again in range(10)
             for url in (unsubscribe_url(own), preferences_url(own), open_url(own), click_url(own, "https://e.com/"))]
    assert set(codes) == {200, 302}
    assert browser.post(path(unsubscribe_url(own)), data={"List-Unsubscribe": "One-Click"}).status_code == 200


def test_sixty_exports_an_hour_each(client_as: Callable[..., Any], at: Set) -> None:
    admin = client_as("admin")
    assert {admin.get("/contacts/export.csv").status_code for _try in range(60)} == {200}
    refused = admin.get("/contacts/export.csv")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    assert client_as("marketer").get("/contacts/export.csv").status_code == 200
    at(NOON + timedelta(hours=1))
    assert admin.get("/contacts/export.csv").status_code == 200


def test_never_more_than_five_tries_a_minute_on_one_account() -> None:
    moment, tries = 0, 0
    for failures in range(12):
        moment += wait_seconds(failures)
        tries += moment < 60
    assert tries == 5
    assert wait_seconds(50) == 900


def test_many_accounts_tried_from_one_address_are_refused_with_the_wait(client_as: Callable[..., Any]) -> None:
    browser = client_as(None)
    for number in range(30):
        form = {"email": f"user{number}@example.com", "password": "wrong"}
        assert browser.post("/sign-in", data=form).status_code == 422
    refused = browser.post("/sign-in", data={"email": "boss@example.com", "password": "wrong"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")


def test_processes_count_together(queue_server: str, at: Set) -> None:
    first, second = (Counter(Limit(3, 60), "together") for _process in range(2))
    for counter in (first, second, first):
        counter.count("192.0.2.1")
    assert (first.seconds_to_wait("192.0.2.1"), second.seconds_to_wait("192.0.2.1")) == (60, 60)
    assert second.seconds_to_wait("192.0.2.2") == 0
    at(NOON + timedelta(seconds=61))
    assert second.seconds_to_wait("192.0.2.1") == 0


def test_what_is_shared_names_nobody_and_is_gone_when_it_is_too_old(queue_server: str) -> None:
    from redis import Redis

    Counter(Limit(3, 60), "together").count("192.0.2.1")
    (key,) = Redis.from_url(queue_server).keys("abm:limit:*")
    assert b"192.0.2.1" not in key
    assert 0 < Redis.from_url(queue_server).ttl(key) <= 61


def test_a_limit_holds_while_the_queue_server_is_away(
        data_dir: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.settings import settings

    monkeypatch.setenv("ABM_REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    monkeypatch.setitem(shared_counts._silent, "until", 0.0)
    counter = Counter(Limit(2, 60), "alone")
    counter.count("a")
    counter.count("a")
    assert counter.seconds_to_wait("a") == 60
    monkeypatch.setitem(shared_counts._silent, "until", 0.0)
