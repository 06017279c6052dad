"""The library of plays: lawful in every language, usable in one click."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from abm.company.actions import set_company_value
from abm.outreach.plays import use_play
from abm.outreach.queries import get_campaign_by_name
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary
from abm.targets.sentence import say_rule
from campaigns import jobs, lint, planning_jobs
from campaigns.definition import parse
from campaigns.library import get_play, list_plays
from core import db
from core.errors import NotFound
from core.settings import settings
from tests.abm.outreach.companies import WORKING_MOMENT, make_listed_people
from tests.factories import make_order

PLAYS = [play.name for play in list_plays()]


@pytest.fixture(autouse=True)
def _company(database: Path, at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)
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
    for bodies in get_play(name).bodies.values():
        assert len(set(bodies.values())) == len(bodies) >= 2


@pytest.mark.parametrize("name", PLAYS)
def test_the_rule_of_a_play_reads_as_a_sentence(name: str) -> None:
    with db.reading() as session:
        vocabulary = get_vocabulary(session)
    assert len(say_rule(read_rules(get_play(name).who, vocabulary), vocabulary)) > 10


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
