"""Snippets and signatures: written once, put into e-mails, and what was approved keeps its words."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select, update

from abm.accounts.models import Account
from abm.cli import main
from abm.outreach.models import Snippet
from abm.users.models import User
from campaigns import jobs, planning_jobs
from campaigns.models import Campaign, CampaignVersion
from core import db
from core.settings import settings
from tests.abm.outreach.companies import HELLO, WORKING_MOMENT, make_listed_people
from tests.abm.outreach.test_campaign_pages import definition, made, step_form

Client = Callable[..., Any]
LEGAL = '<p>{{ sender.postal_address }}\n<a href="{{ unsubscribe_url }}">Leave</a></p>'
WITH_LEGAL = "<p>Hello of {{ account.name }}</p>\n{{ snippet.legal }}"


@pytest.fixture(autouse=True)
def _working_hours(at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)


@pytest.fixture
def marketer(client_as: Client, database: Path) -> Any:
    with db.transaction() as session:
        make_listed_people(session, 1, first_name="Ana")
    return client_as("marketer")


def save(client: Any, content: str = LEGAL, name: str = "legal", language: str = "") -> Any:
    return client.post("/campaigns/snippets", data={"name": name, "language": language, "content": content})


def with_legal(marketer: Any, **values: str) -> int:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(html=WITH_LEGAL, **values))
    assert answer.status_code == 302, answer.text
    return campaign_id


def state_of(campaign_id: int) -> str:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).state


def sent() -> Message:
    planning_jobs.advance_runs()
    jobs.drain_outbox()
    (file,) = settings().outbox_dir.glob("*.eml")
    return message_from_bytes(file.read_bytes())


def parts(message: Message) -> list[str]:
    return [part.get_payload(decode=True).decode() for part in message.get_payload()]  # type: ignore[union-attr,misc]


def test_a_snippet_is_part_of_the_content_in_both_parts(marketer: Any, client_as: Client) -> None:
    save(marketer)
    campaign_id, boss = with_legal(marketer), client_as("marketer")
    boss.post(f"/campaigns/{campaign_id}/approve")
    assert boss.post(f"/campaigns/{campaign_id}/launch").status_code == 302

    text, html = parts(sent())

    assert "1 Example Street" in html
    assert ">Leave</a>" in html
    assert "Leave: http" in text


def test_what_was_approved_keeps_its_words_and_its_approval(marketer: Any, client_as: Client) -> None:
    save(marketer)
    campaign_id = with_legal(marketer)
    client_as("marketer").post(f"/campaigns/{campaign_id}/approve")
    before = definition(campaign_id)

    save(marketer, LEGAL.replace("Leave", "Quit"))
    marketer.post(f"/campaigns/{campaign_id}/text", data={"text": yaml.safe_dump(
        {name: value for name, value in before.items() if name != "snippets"})})

    assert state_of(campaign_id) == "approved"
    assert definition(campaign_id) == before
    with db.reading() as session:
        version = session.scalars(select(CampaignVersion)).one()
        assert version.definition["snippets"] == {"legal": {"any": LEGAL}}


def test_a_draft_follows_a_changed_snippet_and_a_change_of_the_campaign_takes_it_in(
    marketer: Any, client_as: Client
) -> None:
    save(marketer)
    campaign_id = with_legal(marketer)
    save(marketer, LEGAL.replace("Leave", "Quit"))
    assert "Saved; welcome-back follow" in marketer.get("/campaigns/snippets").text
    assert "Quit" in definition(campaign_id)["snippets"]["legal"]["any"]

    client_as("marketer").post(f"/campaigns/{campaign_id}/approve")
    save(marketer, LEGAL.replace("Leave", "Go"))
    assert "Quit" in definition(campaign_id)["snippets"]["legal"]["any"]
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(html=WITH_LEGAL + "<p>More</p>"))

    assert "Go" in definition(campaign_id)["snippets"]["legal"]["any"]
    assert state_of(campaign_id) == "draft"


def test_a_person_gets_it_in_their_language(marketer: Any) -> None:
    save(marketer)
    save(marketer, LEGAL.replace("Leave", "Se désabonner"), language="fr")
    campaign_id = with_legal(marketer)
    url = f"/campaigns/{campaign_id}/steps/0/preview/message"

    assert "Se désabonner" in marketer.get(f"{url}?language=fr-CA").text
    assert "Leave" in marketer.get(f"{url}?language=de").text


def test_a_snippet_that_is_not_there_is_told_beside_the_field(marketer: Any) -> None:
    answer = marketer.post(f"/campaigns/{made(marketer)}/steps/0", data=step_form(html=HELLO + "{{ snippet.legl }}"))

    assert answer.status_code == 422
    assert "There is no snippet legl" in answer.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{{ ''.__class__ }}", "Only names such as"),
        ("{{ snippet.other }}", "There is no snippet other"),
        ("{{ contact.fist_name }}", "did you mean"),
        ("", "has to hold"),
    ],
)
def test_a_snippet_is_held_to_the_rules_of_content(marketer: Any, content: str, said: str) -> None:
    answer = save(marketer, content)

    assert answer.status_code == 422
    assert said in answer.text.replace("&#39;", "'")
    with db.reading() as session:
        assert session.scalars(select(Snippet)).all() == []


def test_a_snippet_may_stand_in_mjml_and_a_value_never_names_one(marketer: Any) -> None:
    save(marketer)
    with db.transaction() as session:
        session.execute(update(Account).values(name="{{ snippet.legal }}"))
    mjml = ("<mjml><mj-body><mj-section><mj-column><mj-text>{{ account.name }}</mj-text>"
            "<mj-text>{{ snippet.legal }}</mj-text></mj-column></mj-section></mj-body></mjml>")
    campaign_id = made(marketer)
    assert marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(html=mjml)).status_code == 302

    shown = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview/message").text

    assert shown.count("Leave") == 1
    assert "{{ snippet.legal }}" in shown


def test_a_removed_snippet_stays_with_the_campaigns_that_have_it(marketer: Any) -> None:
    save(marketer)
    campaign_id = with_legal(marketer)
    with db.reading() as session:
        snippet_id = session.scalars(select(Snippet.id)).one()
    assert "Welcome back" in marketer.get("/campaigns/snippets").text

    marketer.post(f"/campaigns/snippets/{snippet_id}/remove")
    marketer.post(f"/campaigns/{campaign_id}/text", data={"text": yaml.safe_dump(definition(campaign_id))})

    assert definition(campaign_id)["snippets"] == {"legal": {"any": LEGAL}}
    assert "No snippets yet" in marketer.get("/campaigns/snippets").text


def test_a_signature_is_data_whose_lines_stay(marketer: Any) -> None:
    answer = marketer.post("/signature", data={"signature": "Jo <b>Doe</b>\r\n{{ 7*7 }}\r\n"})
    assert answer.status_code == 302
    with db.transaction() as session:
        owner = session.scalars(select(User).where(User.signature != "")).one()
        assert owner.signature == "Jo <b>Doe</b>\n{{ 7*7 }}"
        session.execute(update(Account).values(owner_id=owner.id))
    campaign_id = made(marketer)
    saved = marketer.post(f"/campaigns/{campaign_id}/steps/0",
                          data=step_form(html=HELLO + "<p>{{ owner.signature | lines }}</p>"))
    assert saved.status_code == 302, saved.text

    assert "<p>Jo &lt;b&gt;Doe&lt;/b&gt;<br>{{ 7*7 }}</p>" in marketer.get(
        f"/campaigns/{campaign_id}/steps/0/preview/message").text
    page = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview").text
    assert "Jo &lt;b&gt;Doe&lt;/b&gt;\n{{ 7*7 }}" in page


def test_a_signature_that_is_too_long_is_refused(marketer: Any) -> None:
    answer = marketer.post("/signature", data={"signature": "line\n" * 40})

    assert answer.status_code == 422
    assert "may have 12 lines" in answer.text


def test_snippets_from_the_command_line(
    marketer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "legal.html").write_text(LEGAL)

    assert main(["campaigns", "snippet", "legal", str(tmp_path / "legal.html"), "--json"]) == 0
    assert main(["campaigns", "snippets", "--json"]) == 0

    assert '"name": "legal"' in capsys.readouterr().out


def test_a_script_has_no_snippets(marketer: Any) -> None:
    save(marketer)
    campaign_id = with_legal(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": "call"})

    answer = marketer.post(f"/campaigns/{campaign_id}/steps/1", data={
        "id": "call-1", "after_amount": "1", "after_unit": "days", "script": "{{ snippet.legal }}"})

    assert answer.status_code == 422
    assert "snippets stand in e-mails" in answer.text


def test_what_is_told_while_one_writes_knows_the_snippets(marketer: Any) -> None:
    save(marketer)

    answer = marketer.post(f"/campaigns/{made(marketer)}/steps/0/check", data=step_form(html=WITH_LEGAL))

    assert "Nothing: every wording" in answer.text
