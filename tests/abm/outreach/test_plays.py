"""The library of plays: lawful in every language, usable in one click."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.cli import main
from abm.company.actions import set_company_value
from abm.outreach.people import get_content_values
from abm.outreach.plays import use_play
from abm.outreach.queries import get_campaign_by_name
from abm.outreach.step_words import say_target
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary
from abm.targets.sentence import say_rule
from abm.wiring import connect_engine
from abm.work.models import Task
from campaigns import jobs, lint, planning_jobs
from campaigns.contents import spoken_words
from campaigns.definition import BranchStep, CallStep, Definition, EmailStep, LetterStep, VisitStep, WebhookStep, parse
from campaigns.library import get_play, list_plays
from campaigns.rendering import preview, preview_letter, render_script
from core import db
from core.errors import NotFound
from core.settings import settings
from tests.abm.outreach.companies import WORKING_MOMENT, make_listed_people
from tests.campaigns.campaign_factory import make_people, make_run
from tests.factories import make_order

PLAYS = [play.name for play in list_plays()]
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")
ENGLISH_DAY = re.compile(r"\d (?:" + "|".join(MONTHS) + ")")
NO_ORDER_AS_A_DAY = re.compile(r"no order yet was|am noch keine|am einem|last order was on a day")
WORDED = {"email": ("subject", "html"), "letter": ("subject", "body"), "call": ("script",), "visit": ("brief",)}


def names_in(words: str) -> set[str]:
    return set(re.findall(r"\b(?:contact|account|owner|offer|last_order)\.\w+", words))


@pytest.fixture(autouse=True)
def _company(database: Path, at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)
    connect_engine()
    with db.transaction() as session:
        set_company_value(session, name="name", value="Northwind")
        set_company_value(session, name="postal_address", value="1 Example Street")


def test_there_are_plays_for_all_the_moments_that_come_again() -> None:
    assert {"first-contact-image-maker", "prospect-of-a-competitor", "new-decision-maker", "white-space",
            "reactivation-1-what-was-mended", "reactivation-2-service", "reactivation-3-price", "event-invitation",
            "joint-promotion", "yearly-plan-kick-off"} <= set(PLAYS)


@pytest.mark.parametrize("name", PLAYS)
def test_a_play_becomes_a_draft_whose_content_nothing_speaks_against(name: str) -> None:
    with db.transaction() as session:
        campaign = use_play(session, play=get_play(name), sender_email="sales@example.com")
        definition = parse(campaign.definition)
    assert campaign.state == "draft"
    assert [str(one) for one in lint.lint(definition) if one.level is lint.Level.BLOCK] == []


@pytest.mark.parametrize("name", PLAYS)
def test_every_message_is_written_in_english_and_another_language(name: str) -> None:
    assert "de" in get_play(name).languages
    for step in get_play(name).campaign["steps"]:
        for part in WORDED.get(step.get("channel", ""), ()):
            own, german = step[part], step["languages"]["de"][part]
            assert german.strip() not in ("", own.strip()), (step["id"], part)
            assert names_in(german) <= names_in(own) | {"contact.last_name"}, (step["id"], part)


@pytest.mark.parametrize("name", PLAYS)
def test_the_rule_of_a_play_reads_as_a_sentence(name: str) -> None:
    with db.reading() as session:
        vocabulary = get_vocabulary(session)
    assert len(say_rule(read_rules(get_play(name).who, vocabulary), vocabulary)) > 10


@pytest.mark.parametrize("name", PLAYS)
def test_every_step_reads_whole_for_a_person_in_both_languages(name: str) -> None:
    with db.transaction() as session:
        person = make_listed_people(session, 1, buying_role="champion")[0]
        make_order(session, person.account, on=WORKING_MOMENT.date() - timedelta(days=9), amount="100")
        definition = parse(use_play(session, play=get_play(name), sender_email="sales@example.com").definition)
        values = get_content_values(session, [person.id])[person.id]
    for step in definition.steps:
        if isinstance(step, EmailStep):
            english, german = (preview(definition, step, values, language=one) for one in ("en", "de"))
            assert str(person.first_name) in english.text
            assert (english.subject, english.text) != (german.subject, german.text)
            assert not ENGLISH_DAY.search(german.subject + german.text)
            assert re.search(r"Kind regards\n\S", english.text)
            assert re.search(r"Mit freundlichen Grüßen\n\S", german.text)
        elif isinstance(step, LetterStep):
            on_paper = [preview_letter(definition, step, values, language=one) for one in ("en", "de")]
            assert len({*on_paper[0], *on_paper[1]}) == 4
            assert "Guten Tag" in on_paper[1][1]
            assert re.search(r"\n\nKind regards\n{3,}Northwind$", on_paper[0][1].strip())
            assert re.search(r"\n\nMit freundlichen Grüßen\n{3,}Northwind$", on_paper[1][1].strip())
            assert not ENGLISH_DAY.search(on_paper[1][1])
        elif isinstance(step, CallStep | VisitStep):
            said = [render_script(spoken_words(step, one), values) for one in ("en", "de")]
            assert said[0] != said[1]
            assert not ENGLISH_DAY.search(said[1])
            assert all(person.account.name in words and "–" not in words for words in said)


@pytest.mark.parametrize("name", PLAYS)
def test_what_leaves_as_it_is_greets_whose_name_nobody_knows_and_tells_the_author_nothing(name: str) -> None:
    with db.transaction() as session:
        person = make_listed_people(session, 1, buying_role="champion", first_name=None, last_name=None)[0]
        make_order(session, person.account, on=WORKING_MOMENT.date() - timedelta(days=9), amount="100")
        definition = parse(use_play(session, play=get_play(name), sender_email="sales@example.com").definition)
        values = get_content_values(session, [person.id])[person.id]
    read = [preview(definition, step, values, language=one).text for step in definition.steps
            for one in ("en", "de") if isinstance(step, EmailStep)]
    read += [preview_letter(definition, step, values, language=one)[1] for step in definition.steps
             for one in ("en", "de") if isinstance(step, LetterStep)]
    for text in read:
        assert not re.search(r" ,|  |None|\b(?:Write|Schreiben Sie hier)\b", text), text
        assert re.match(r"(?:Hello there|Dear Sir or Madam|Guten Tag),", text), text


@pytest.mark.parametrize("name", PLAYS)
def test_what_a_seller_reads_is_whole_where_neither_name_nor_order_is_known(name: str) -> None:
    with db.transaction() as session:
        person = make_listed_people(session, 1, first_name=None, last_name=None)[0]
        values = get_content_values(session, [person.id])[person.id]
    for step in parsed(name).steps:
        if isinstance(step, CallStep | VisitStep):
            said = [render_script(spoken_words(step, one), values) for one in ("en", "de")]
            assert not [words for words in said if "–" in words or NO_ORDER_AS_A_DAY.search(words)]


def test_no_message_after_a_call_says_that_nobody_was_reached() -> None:
    """It goes to those who were, too: only an answer, an order or a meeting ends a sequence."""
    read = [body for play in list_plays() for bodies in play.bodies.values() for body in bodies.values()]
    assert not [text for text in read if re.search(r"could not reach you|Sie nicht erreicht", text)]


@pytest.mark.parametrize("name", PLAYS)
def test_the_first_english_sentence_begins_with_a_capital_after_the_greeting(name: str) -> None:
    begins = {step: bodies["en"].split("\n\n")[1][0] for step, bodies in get_play(name).bodies.items()}
    assert [step for step, letter in begins.items() if not letter.isupper()] == []


def test_no_play_asks_who_clicked_where_nothing_can_be_clicked() -> None:
    assert [one.message for name in PLAYS for one in lint.lint(parsed(name)) if one.part == "branch"] == []


def test_plays_use_every_way_to_reach_somebody_on_paper_in_person_in_waves_and_by_what_they_did() -> None:
    kinds = {name: {step.channel for step in parsed(name).steps} for name in PLAYS}
    assert {"letter", "branch"} <= kinds["event-invitation"]
    assert {"visit", "branch"} <= kinds["yearly-plan-kick-off"]
    assert {"letter", "visit", "call", "branch"} <= kinds["reactivation-ladder"]
    assert [wave.roles for wave in parsed("first-contact-image-maker").people.waves] == [
        ("champion",), ("decision_maker",)]


def test_a_play_tells_another_program_where_its_address_is_given() -> None:
    play = get_play("event-invitation")
    with db.transaction() as session:
        alone = parse(use_play(session, play=play, sender_email="sales@example.com").definition)
        told = parse(use_play(session, play=play, sender_email="sales@example.com",
                              webhook_url="https://tickets.example.org/hook").definition)
    assert "webhook" not in {step.channel for step in alone.steps}
    assert [step.url for step in told.steps if isinstance(step, WebhookStep)] == ["https://tickets.example.org/hook"]


def test_a_wrong_address_of_a_program_is_said_beside_its_field(client_as: Callable[..., Any]) -> None:
    answer = client_as("marketer").post("/campaigns/plays/event-invitation", data={
        "sender_email": "sales@example.com", "list": "", "webhook_url": "nowhere"})
    assert (answer.status_code, "is not a web address" in answer.text) == (422, True)


def test_a_script_is_kept_by_its_form_in_every_language(client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        make_listed_people(session, 1)
        campaign = use_play(session, play=get_play("white-space"), sender_email="a@example.com", list_name="silent")
        index = next(place for place, step in enumerate(campaign.definition["steps"]) if step["id"] == "call")
    address, client = f"/campaigns/{campaign.id}/steps/{index}", client_as("marketer")
    assert "Nennen Sie ein Produkt" in client.get(address).text
    typed = {"id": "call", "script": "Ask", "languages.de.script": "Fragen", "after_amount": "1", "after_unit": "days"}
    assert client.post(address, data=typed).status_code == 302
    with db.reading() as session:
        step = get_campaign_by_name(session, campaign.name).definition["steps"][index]
    assert (step["script"], step["languages"]) == ("Ask", {"de": {"script": "Fragen"}})


def test_a_seller_gets_the_script_in_the_language_of_whom_they_call() -> None:
    steps = [{"id": "call", "channel": "call", "script": "Ask", "languages": {"de": {"script": "Fragen"}}}]
    with db.transaction() as session:
        make_people(session, 1, language="de-AT", phone="+43 1 23")
        make_people(session, 1, language="fr", phone="+33 1 23")
        make_run(session, steps=steps)
    jobs.drain_outbox()
    with db.reading() as session:
        assert sorted(session.scalars(select(Task.script))) == ["Ask", "Fragen"]


def test_the_ladder_is_left_by_an_answer_and_climbed_in_silence() -> None:
    definition = parsed("reactivation-ladder")
    ways = {step.id: (say_target(definition, place, step.then), say_target(definition, place, step.otherwise))
            for place, step in enumerate(definition.steps) if isinstance(step, BranchStep)}
    assert ways == {"answered-first": ("cause", "service"), "answered-second": ("cause", "price")}
    assert "reply" not in definition.stop_when


def parsed(name: str) -> Definition:
    play = get_play(name)
    return parse({"campaign": name, "title": name, "list": name, "sender": {"email": "a@example.com"}, **play.campaign})


@pytest.mark.parametrize("name", PLAYS)
def test_the_page_of_a_play_shows_every_step(name: str, client_as: Callable[..., Any]) -> None:
    page = client_as("viewer").get(f"/campaigns/plays/{name}").text
    definition = parsed(name)
    for place, step in enumerate(definition.steps):
        if isinstance(step, BranchStep):
            assert f"<strong>{say_target(definition, place, step.then)}</strong>" in page
        elif isinstance(step, EmailStep | LetterStep):
            assert html.escape(step.subject, quote=False) in html.unescape(page)


def test_a_letter_is_read_as_a_person_gets_it_and_as_the_page_it_will_be(client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        person = make_listed_people(session, 1, language="de", buying_role="decision_maker")[0]
        campaign = use_play(session, play=get_play("event-invitation"), sender_email="a@example.com",
                            list_name="silent")
    steps, client = f"/campaigns/{campaign.id}/steps", client_as("viewer")
    assert "No street and city is on file" in client.get(f"{steps}/0/words").text
    with db.transaction() as session:
        account = session.get_one(Account, person.account_id)
        account.custom, account.city = {"street": "Hafenweg 5"}, "Hamburg"
    page = client.get(f"{steps}/0/words").text
    assert ("Hafenweg 5" in page, "Es wäre uns" in page, "It would be" in page) == (True, True, False)
    assert "It would be" in client.get(f"{steps}/0/words?language=en").text
    assert client.get(f"{steps}/0/letter.pdf").data.startswith(b"%PDF")
    assert "Fragen Sie" in client.get(f"{steps}/4/words").text
    assert "Ask" in client.get(f"{steps}/4/words?language=en").text
    assert client.get(f"{steps}/1/letter.pdf").status_code == 404


def test_a_letter_is_read_with_its_bold_words_and_by_somebody_without_a_name(client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        make_listed_people(session, 1, first_name=None, last_name=None, email="office@example.net")
        campaign = use_play(session, play=get_play("reactivation-2-service"), sender_email="a@example.com",
                            list_name="silent")
    page = client_as("viewer").get(f"/campaigns/{campaign.id}/steps/1/words").text
    assert "**" not in page
    assert "<strong>CODE</strong>" in page
    assert ">office@example.net</option>" in page


def test_a_letters_languages_are_kept_by_its_form(client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        make_listed_people(session, 1)
        campaign = use_play(session, play=get_play("event-invitation"), sender_email="a@example.com",
                            list_name="silent")
    address, client = f"/campaigns/{campaign.id}/steps/0", client_as("marketer")
    assert "Eine Einladung" in client.get(address).text
    typed = {"id": "letter-to-the-chief", "subject": "Come", "body": "Do come.", "after_amount": "0",
             "after_unit": "days", "languages.de.subject": "Kommen Sie", "languages.de.body": "Bitte kommen Sie."}
    assert client.post(address, data=typed).status_code == 302
    with db.reading() as session:
        step = get_campaign_by_name(session, campaign.name).definition["steps"][0]
    assert step["languages"] == {"de": {"subject": "Kommen Sie", "body": "Bitte kommen Sie."}}


def test_a_play_used_twice_makes_two_drafts_and_one_list_and_offer() -> None:
    for _time in range(2):
        with db.transaction() as session:
            use_play(session, play=get_play("reactivation-2-service"), sender_email="sales@example.com")
    with db.reading() as session:
        assert get_campaign_by_name(session, "reactivation-2-service-2").definition["list"] == "reactivation-2-service"


def test_a_play_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="there are"):
        get_play("cold-spam")


def test_one_click_then_check_approve_and_launch_sends_the_german_letter(client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        for person in make_listed_people(session, 2, language="de", buying_role="champion"):
            make_order(session, person.account, on=WORKING_MOMENT.date() - timedelta(days=9), amount="100")
    marketer, colleague = client_as("marketer"), client_as("marketer")
    page = marketer.get("/campaigns/plays/yearly-plan-kick-off").text
    assert "Make a draft" in page
    answer = marketer.post("/campaigns/plays/yearly-plan-kick-off",
                           data={"list": "silent", "sender_email": "sales@example.com"})
    campaign = answer.headers["Location"]
    colleague.post(f"{campaign}/approve")
    colleague.post(f"{campaign}/launch")
    planning_jobs.advance_runs()
    jobs.drain_outbox()
    letters = [message_from_bytes(file.read_bytes(), policy=default) for file in settings().outbox_dir.glob("*.eml")]
    assert len(letters) == 2
    assert all("das kommende Jahr" in letter["Subject"] for letter in letters)
    assert all("Keine weiteren Nachrichten" in letter.get_body(("html",)).get_content() for letter in letters)


def test_a_viewer_may_look_but_not_use_a_play(client_as: Callable[..., Any]) -> None:
    viewer = client_as("viewer")
    assert "Make a draft" not in viewer.get("/campaigns/plays/white-space").text
    assert viewer.get("/campaigns/plays").status_code == 200
    assert viewer.post("/campaigns/plays/white-space", data={"sender_email": "a@example.com"}).status_code == 403


def test_a_wrong_sender_is_said_beside_the_field_and_nothing_is_made(client_as: Callable[..., Any]) -> None:
    answer = client_as("marketer").post("/campaigns/plays/white-space", data={"sender_email": "nonsense", "list": ""})
    assert (answer.status_code, 'value="nonsense"' in answer.text) == (422, True)
    with db.reading() as session, pytest.raises(NotFound):
        get_campaign_by_name(session, "white-space")


def test_the_command_lists_every_play_with_its_steps_and_forks(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["campaigns", "plays", "--json"])
    rows = {row["play"]: row for row in json.loads(capsys.readouterr().out)["plays"]}
    assert (code, set(rows)) == (0, set(PLAYS))
    assert rows["reactivation-ladder"]["steps"] == ["email", "branch", "letter", "branch", "visit", "call"]
    assert main(["campaigns", "plays"]) == 0
    assert "white-space" in capsys.readouterr().out
