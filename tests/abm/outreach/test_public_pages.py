"""What recipients reach without signing in."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select

from abm.outreach.public_pages import masked
from campaigns import stops
from campaigns.models import Delivery, Event, Link, Suppression
from campaigns.tracking import click_url, open_url, read_unsubscribe, trap_url, unsubscribe_url
from campaigns.visit_log import visit_log
from core import clock, db
from core.db import reading, transaction
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

AGENT = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0"}


@pytest.fixture
def browser(client_as: Any) -> Any:
    return client_as(None)


@pytest.fixture
def sent_id(app: Any) -> int:
    """A delivery that was sent an hour ago."""
    with transaction() as session:
        make_people(session, email="jane.doe@example.com")
        delivery = deliveries(session, make_run(session, purpose="win-back"))[0]
        delivery.state, delivery.sent_at = "sent", clock.now() - timedelta(hours=1)
        return delivery.id


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def count(model: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def events() -> list[Event]:
    assert visit_log.settle(10)
    with reading() as session:
        found = list(session.scalars(select(Event).order_by(Event.id)))
        session.expunge_all()
        return found


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_visiting_the_unsubscribe_page_changes_nothing(browser: Any, sent_id: int, method: str) -> None:
    answer = getattr(browser, method)(path(unsubscribe_url(sent_id)))

    assert (answer.status_code, count(Suppression), count(Event)) == (200, 0, 0)


def test_the_unsubscribe_page_asks_masks_the_address_and_stays_private(browser: Any, sent_id: int) -> None:
    answer = browser.get(path(unsubscribe_url(sent_id)))

    assert "jane.doe" not in answer.text
    assert "j•••@e•••.com" in answer.text
    assert "Stop messages about win back" in answer.text
    assert "Stop all messages" in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_unsubscribes_at_once_without_cookie_or_redirect(
    app: Any, browser: Any, sent_id: int, content_type: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = browser.post(
        path(unsubscribe_url(sent_id)), data={"List-Unsubscribe": "One-Click"}, content_type=content_type
    )

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    with reading() as session:
        stopped = {(row.scope, row.purpose, row.source) for row in session.scalars(select(Suppression))}
        assert stops.current(session) > 0
    assert stopped == {("address", "win-back", "one-click"), ("contact", "win-back", "one-click")}


def test_a_second_unsubscribe_is_welcome_and_makes_no_second_record(browser: Any, sent_id: int) -> None:
    for _ in range(3):
        assert browser.post(path(unsubscribe_url(sent_id)), data={"List-Unsubscribe": "One-Click"}).status_code == 200

    assert (count(Suppression), count(Event)) == (2, 1)


def test_all_mail_can_be_stopped(browser: Any, sent_id: int) -> None:
    answer = browser.post(path(unsubscribe_url(sent_id)), data={"scope": "all"})

    assert "no more, about anything" in answer.text
    with reading() as session:
        assert set(session.scalars(select(Suppression.purpose))) == {"*"}


def test_an_old_link_works_after_the_key_was_changed(
    browser: Any, sent_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.settings import settings

    link = unsubscribe_url(sent_id)
    monkeypatch.setattr(settings(), "secret_key", "a-new-key-of-thirty-two-characters-or-more," + settings().secret_key)

    assert browser.get(path(link)).status_code == 200
    assert unsubscribe_url(sent_id) != link


@pytest.mark.parametrize("kind", ["u", "c", "o"])
def test_a_token_that_was_tampered_with_leads_nowhere(browser: Any, sent_id: int, kind: str) -> None:
    made = {"u": unsubscribe_url(sent_id), "c": click_url(sent_id, "https://example.com/"), "o": open_url(sent_id)}
    link = path(made[kind])
    bent = link[:8] + ("A" if link[8] != "A" else "B") + link[9:]

    assert browser.get(bent).status_code == 404


def test_a_token_is_good_for_its_purpose_only(browser: Any, sent_id: int) -> None:
    token = path(open_url(sent_id)).removeprefix("/o/").removesuffix(".gif")

    assert read_unsubscribe(token) is None
    assert browser.post(f"/u/{token}").status_code == 404


def test_a_click_redirects_and_counts(browser: Any, sent_id: int) -> None:
    answer = browser.get(path(click_url(sent_id, "https://example.com/a?b=1&c=ü")), headers=AGENT)

    assert (answer.status_code, answer.location) == (302, "https://example.com/a?b=1&c=%C3%BC")
    assert ("Set-Cookie" in answer.headers, answer.headers["Referrer-Policy"]) == (False, "no-referrer")
    assert [(event.kind, event.delivery_id, event.is_machine) for event in events()] == [("click", sent_id, False)]


def test_head_on_a_link_redirects_and_counts_nothing(browser: Any, sent_id: int) -> None:
    assert browser.head(path(click_url(sent_id, "https://example.com/"))).status_code == 302
    assert events() == []


def test_a_personal_target_is_not_kept(browser: Any, sent_id: int) -> None:
    browser.get(path(click_url(sent_id, "https://example.com/jane?x=1", is_personal=True)), headers=AGENT)
    assert visit_log.settle(10)

    with reading() as session:
        assert session.scalars(select(Link.url)).one() == "https://example.com/"


def test_links_work_while_the_database_is_away(browser: Any, sent_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    away = create_engine("postgresql+psycopg://abm:abm@127.0.0.1:9/none")
    with monkeypatch.context() as patched:
        patched.setattr(db, "engine", lambda: away)
        answer = browser.get(path(click_url(sent_id, "https://example.com/")), headers=AGENT)
        picture = browser.get(path(open_url(sent_id)), headers=AGENT)

    assert (answer.location, picture.mimetype) == ("https://example.com/", "image/gif")


@pytest.mark.parametrize(
    ("agent", "is_machine"),
    [
        (AGENT["User-Agent"], False),
        ("Mozilla/5.0", True),
        ("", True),
        ("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", False),
    ],
)
def test_opens_tell_people_from_machines(browser: Any, sent_id: int, agent: str, is_machine: bool) -> None:
    browser.get(path(open_url(sent_id)), headers={"User-Agent": agent})

    assert [(event.kind, event.is_machine, event.raw["agent"]) for event in events()] == [("open", is_machine, agent)]


def test_a_click_within_seconds_of_the_hand_over_was_a_scanner(browser: Any, sent_id: int) -> None:
    with transaction() as session:
        session.get(Delivery, sent_id).sent_at = clock.now()
    browser.get(path(click_url(sent_id, "https://example.com/")), headers=AGENT)

    assert [event.is_machine for event in events()] == [True]


@pytest.mark.parametrize(
    ("address", "shown"), [("a@b.co.uk", "a•••@b•••.uk"), (None, "your address"), ("x", "your address")]
)
def test_addresses_are_shown_masked(address: str | None, shown: str) -> None:
    assert masked(address) == shown


def test_the_hidden_link_counts_as_a_machine_and_shows_nothing(browser: Any, sent_id: int) -> None:
    browser.get(path(click_url(sent_id, "https://example.com/")), headers=AGENT)
    answer = browser.get(path(trap_url(sent_id)), headers=AGENT)

    assert (answer.status_code, answer.data) == (204, b"")
    assert [(event.kind, event.is_machine) for event in events()] == [("click", True), ("click", True)]
    assert browser.get("/t/nothing").status_code == 404
