"""Recipients read our pages and messages in their own language."""

import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.contacts.models import Contact
from abm.outreach.opt_in_mail import claim_next
from abm.outreach.recipient_texts import TEXTS, Texts, texts_for
from campaigns import opt_in
from campaigns.models import ConsentEvent
from campaigns.tracking import preferences_url, unsubscribe_url
from core import clock
from core.db import reading, transaction
from core.settings import ROOT
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

_SAID = re.compile(r'say(?:\.plain)?\(\s*"((?:[^"\\]|\\.)*)"')
_REFUSED = re.compile(r'(?:NotFound|Refused)\("([^"]+)"\)')


def sentences() -> set[str]:
    """Everything that templates and messages for recipients say, in English."""
    modules = ("opt_in_mail", "public_pages", "preference_pages")
    files = [*(ROOT / "templates" / "messages").glob("*.html"),
             *(ROOT / "abm" / "outreach" / f"{name}.py" for name in modules)]
    said = {sentence for file in files for sentence in _SAID.findall(file.read_text("utf-8"))}
    return said | set(_REFUSED.findall(Path(opt_in.__file__).read_text("utf-8"))) | {opt_in.WORDING}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_language_has_every_sentence_with_the_same_places_to_fill(language: str) -> None:
    assert set(TEXTS[language]) == sentences()
    places = {english: (sorted(re.findall(r"{\w+}", english)), sorted(re.findall(r"{\w+}", said)))
              for english, said in TEXTS[language].items()}
    assert [english for english, (wanted, found) in places.items() if wanted != found] == []


@pytest.mark.parametrize(("languages", "chosen"), [
    (["de-AT"], "de"), (["DE_de"], "de"), (["fr", None, "de"], "de"), (["en-GB", "de"], "en"), ([], "en"),
    (["xx"], "en")])
def test_the_first_known_language_is_taken(languages: list[str | None], chosen: str) -> None:
    assert texts_for(languages).language == chosen


def test_values_are_escaped_on_pages() -> None:
    assert "&lt;b&gt;" in Texts("de")("Stop all messages from {company}", company="<b>")


@pytest.fixture
def sent_id(app: Any) -> int:
    with transaction() as session:
        make_people(session, email="jane@example.com")
        delivery = deliveries(session, make_run(session, purpose="win-back"))[0]
        delivery.state, delivery.sent_at = "sent", clock.now()
        return delivery.id


def speaks(language: str | None) -> None:
    with transaction() as session:
        session.scalars(select(Contact)).one().language = language


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.mark.parametrize(("own", "asked", "lang", "sentence"), [
    ("de", "en", "de", "Diese Nachrichten beenden?"), ("en", "de", "en", "Stop these messages?"),
    (None, "de-CH,en;q=0.5", "de", "Keine Nachrichten mehr zu win back"), (None, "fr", "en", "Stop these messages?"),
    ("pl", "de", "de", "Diese Nachrichten beenden?"),
])  # fmt: skip
def test_the_page_is_in_the_persons_language_else_the_browsers(
    client_as: Any, sent_id: int, own: str | None, asked: str, lang: str, sentence: str
) -> None:
    speaks(own)
    page = client_as(None).get(path(unsubscribe_url(sent_id)), headers={"Accept-Language": asked})
    assert f'<html lang="{lang}">' in page.text
    assert sentence in page.text
    assert "Accept-Language" in page.headers["Vary"]


def test_double_opt_in_is_german_from_page_to_message_to_proof(client_as: Any, sent_id: int) -> None:
    speaks("de")
    browser, page = client_as(None), path(preferences_url(sent_id))
    assert "Sie bekommen diese Nachrichten nicht mehr" in browser.post(path(unsubscribe_url(sent_id))).text
    assert "Wir haben eine Nachricht an" in browser.post(page, data={"purpose": "win-back"}).text
    with transaction() as session:
        asking = claim_next(session)
        assert asking is not None
        mail = message_from_bytes(asking.trial.outgoing.wire, policy=policy.default)
    text = mail.get_content()
    assert str(mail["Subject"]) == "Bitte bestätigen: Dürfen wir Ihnen wieder schreiben?"
    assert "darf mir per E-Mail zum Thema win-back schreiben" in text
    confirm = re.search(r"/p/confirm/\S+", text)
    assert confirm is not None
    assert "Ja, ich stimme zu" in browser.get(confirm[0]).text
    assert "Danke, das ist bestätigt" in browser.post(confirm[0]).text
    with reading() as session:
        proof = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == "confirmed")).one().evidence or {}
    assert (proof["language"], proof["wording"].split(" darf")[1][:18]) == ("de", " mir per E-Mail zum"[:18])


def test_what_is_wrong_is_said_in_the_browsers_language(client_as: Any) -> None:
    page = client_as(None).get("/p/confirm/nothing", headers={"Accept-Language": "de"})
    assert (page.status_code, "Dieser Link gehört zu einer Anfrage" in page.text) == (404, True)
