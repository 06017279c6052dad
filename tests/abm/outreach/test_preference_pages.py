"""The preference page by purpose, and opting in again only with a confirmation by the mailbox."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import select

from abm.contacts.models import Contact
from abm.outreach.opt_in_mail import send_confirmations
from abm.outreach.person_export import export_person
from campaigns import consent
from campaigns.models import ConsentEvent, Delivery, Event, Suppression
from campaigns.tracking import preferences_url, read_preferences, unsubscribe_url
from core import clock
from core.db import reading, transaction
from core.settings import settings
from tests.abm.outreach.test_public_pages import count, path
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

ADDRESS = "jane.doe@example.com"


@pytest.fixture
def browser(client_as: Any) -> Any:
    return client_as(None)


@pytest.fixture
def sent_id(app: Any) -> int:
    """One person who got a message of each of two purposes; the id of the first."""
    with transaction() as session:
        make_people(session, email=ADDRESS)
        run = make_run(session, purpose="win-back")
        make_run(session, purpose="news", campaign="other")
        delivery = deliveries(session, run)[0]
        delivery.state, delivery.sent_at = "sent", clock.now() - timedelta(hours=1)
        return delivery.id


def is_stopped(purpose: str) -> bool:
    with reading() as session:
        return consent.is_suppressed(session, address=ADDRESS, purpose=purpose)


def mails() -> list[Any]:
    found = sorted(settings().outbox_dir.glob("**/*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in found]


def link_in(mail: Any) -> str:
    return next(word for word in mail.get_content().split() if "/p/confirm/" in word)


def ask_for(browser: Any, sent_id: int, *purposes: str) -> str:
    """Switch these on, let the job run, and answer the path of the link in the newest message."""
    browser.post(path(preferences_url(sent_id)), data={"purpose": list(purposes)})
    send_confirmations()
    return path(link_in(mails()[-1]))


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_visiting_the_page_changes_nothing_and_stays_private(browser: Any, sent_id: int, method: str) -> None:
    answer = getattr(browser, method)(path(preferences_url(sent_id)))

    assert (answer.status_code, count(Suppression), count(Event), count(ConsentEvent)) == (200, 0, 0, 0)


def test_the_page_has_a_switch_for_every_purpose_and_masks_the_address(browser: Any, sent_id: int) -> None:
    answer = browser.get(path(preferences_url(sent_id)))

    assert answer.text.count('name="purpose"') == answer.text.count("checked") == 2
    assert "jane.doe" not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_the_unsubscribe_page_leads_to_it(browser: Any, sent_id: int) -> None:
    assert path(preferences_url(sent_id)) in browser.get(path(unsubscribe_url(sent_id))).text


def test_a_token_of_another_purpose_opens_nothing(browser: Any, sent_id: int) -> None:
    other = path(unsubscribe_url(sent_id)).replace("/u/", "/p/")

    assert read_preferences(other.rsplit("/", 1)[1]) is None
    assert (browser.get(other).status_code, browser.post(other).status_code) == (404, 404)


def test_switching_one_purpose_off_leaves_the_other(app: Any, browser: Any, sent_id: int) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = browser.post(path(preferences_url(sent_id)), data={"purpose": ["news"]})

    assert (answer.status_code, is_stopped("win-back"), is_stopped("news")) == (200, True, False)
    with reading() as session:
        [entry] = session.scalars(select(ConsentEvent))
        session.expunge_all()
    assert (entry.kind, entry.purpose, entry.source) == ("withdrawn", "win-back", "preference page")
    assert entry.evidence["ip"] == "127.0.0.1"


def test_all_mail_can_be_stopped_there(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={"scope": "all"})

    assert is_stopped("whatever comes later")


def test_switching_on_asks_the_mailbox_and_lifts_nothing_yet(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={})
    ask_for(browser, sent_id, "news")
    [mail] = mails()

    assert (is_stopped("news"), is_stopped("win-back")) == (True, True)
    assert (mail["To"], mail["Auto-Submitted"]) == (ADDRESS, "auto-generated")
    assert "about news" in mail.get_content()


def test_a_wish_is_mailed_once_however_often_it_is_made(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={})
    for _again in range(3):
        ask_for(browser, sent_id, "news")

    assert len(mails()) == 1


def test_visiting_the_link_in_the_mail_changes_nothing(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={})
    link = ask_for(browser, sent_id, "news")

    assert "Yes, I agree" in browser.get(link).text
    assert is_stopped("news")


def test_a_confirmed_wish_lifts_its_purpose_and_keeps_the_evidence(app: Any, browser: Any, sent_id: int) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser.post(path(preferences_url(sent_id)), data={})
    link = ask_for(browser, sent_id, "news")
    for _again in range(2):
        assert "it is confirmed" in browser.post(link).text

    assert (is_stopped("news"), is_stopped("win-back")) == (False, True)
    with reading() as session:
        [entry] = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == "confirmed"))
        contact = session.scalars(select(Contact)).one()
        exported = export_person(session, email=ADDRESS)
        session.expunge_all()
    assert (entry.source, entry.purpose, entry.evidence["wording_version"]) == ("double opt-in", "news", "opt-in/1")
    assert {"ip", "asked_at", "wording"} <= entry.evidence.keys()
    assert (contact.lawful_basis, contact.basis_source) == ("consent", "double opt-in for news")
    assert [row["kind"] for row in exported["consent"]].count("confirmed") == 1


def test_after_all_mail_was_stopped_a_confirmed_wish_lifts_one_purpose(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={"scope": "all"})
    browser.post(ask_for(browser, sent_id, "news"))

    assert (is_stopped("news"), is_stopped("win-back")) == (False, True)


def test_a_confirmed_link_does_not_lift_a_later_withdrawal(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={})
    link = ask_for(browser, sent_id, "news")
    browser.post(link)
    browser.post(path(preferences_url(sent_id)), data={})
    browser.post(link)

    assert is_stopped("news")


def test_a_wish_that_was_withdrawn_before_it_was_confirmed_is_over(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={"purpose": ["win-back"]})
    link = ask_for(browser, sent_id, "win-back", "news")
    browser.post(path(preferences_url(sent_id)), data={"scope": "all"})

    assert browser.post(link).status_code == 410
    assert is_stopped("news")


def test_a_link_older_than_30_days_confirms_nothing(
    browser: Any, sent_id: int, at: Callable[[datetime], None]
) -> None:
    at(datetime(2026, 3, 2, 9, tzinfo=UTC))
    browser.post(path(preferences_url(sent_id)), data={})
    link = ask_for(browser, sent_id, "news")
    at(datetime(2026, 4, 2, 9, tzinfo=UTC))

    assert (browser.post(link).status_code, is_stopped("news")) == (410, True)


@pytest.mark.parametrize("reason", ["complaint", "hard_bounce", "asked by telephone"])
def test_a_stop_that_is_not_the_persons_own_cannot_be_lifted_there(browser: Any, sent_id: int, reason: str) -> None:
    with transaction() as session:
        consent.suppress_address(session, address=ADDRESS, reason=reason)
    browser.post(path(preferences_url(sent_id)), data={"purpose": ["news", "win-back"]})
    send_confirmations()

    assert (mails(), is_stopped("news")) == ([], True)
    assert "please write to us" in browser.get(path(preferences_url(sent_id))).text


def test_an_old_message_of_another_address_turns_nothing_on(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={})
    with transaction() as session:
        session.get(Delivery, sent_id).address = "before@example.com"
    browser.post(path(preferences_url(sent_id)), data={"purpose": ["news"]})
    send_confirmations()

    assert mails() == []


def test_the_consent_log_stands_on_the_persons_page(client_as: Any, browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={"purpose": ["news"]})
    with reading() as session:
        contact_id = session.scalars(select(Contact.id)).one()
    page = client_as("marketer").get(f"/contacts/{contact_id}").text

    assert "Consent log" in page
    assert "preference page" in page
    assert "127.0.0.1" in page


def test_a_complaint_after_an_unsubscribe_cannot_be_lifted_there(browser: Any, sent_id: int) -> None:
    browser.post(path(preferences_url(sent_id)), data={"scope": "all"})
    with transaction() as session:
        consent.suppress_address(session, address=ADDRESS, reason="complaint")
    browser.post(path(preferences_url(sent_id)), data={"purpose": ["news"]})
    send_confirmations()

    assert mails() == []
