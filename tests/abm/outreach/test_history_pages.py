"""Which versions were approved, by whom, and what differs; an edit voids what was approved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Approval
from core import db
from tests.abm.outreach.companies import HELLO, WORKING_MOMENT, make_listed_people
from tests.abm.outreach.test_campaign_pages import made, step_form

Client = Callable[..., Any]


@pytest.fixture(autouse=True)
def _working_hours(at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)


@pytest.fixture
def marketer(client_as: Client, database: Path) -> Any:
    with db.transaction() as session:
        make_listed_people(session, 2)
    return client_as("marketer")


def test_versions_are_listed_with_who_approved_them_and_what_they_changed(marketer: Any, client_as: Client) -> None:
    campaign_id, boss = made(marketer), client_as("marketer")
    page = f"/campaigns/{campaign_id}/versions"
    assert "As it is now, not approved" in marketer.get(page).text
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(subject="First words"))
    boss.post(f"/campaigns/{campaign_id}/approve")
    assert "Version 1" in marketer.get(page).text

    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(subject="Second <words>"))

    text = marketer.get(page).text
    assert text.index("As it is now, not approved") < text.index("Version 1")
    assert "-   subject: First words" in text
    assert "+   subject: Second &lt;words&gt;" in text
    assert "for 2 people at 2 accounts; void since" in text
    with db.reading() as session:
        assert [one.voided_at is None for one in session.query(Approval)] == [False]
    assert boss.post(f"/campaigns/{campaign_id}/launch").status_code == 409


def test_the_preview_offers_every_language_and_tells_the_size(marketer: Any) -> None:
    campaign_id = made(marketer)
    for language in ("", "de"):
        marketer.post("/campaigns/snippets", data={"name": "legal", "language": language, "content": HELLO})
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(
        html=HELLO + "{{ snippet.legal }}", **{"languages.fr.html": HELLO.replace("Hello", "Bonjour")}))

    page = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview?language=fr").text

    assert '<option value="fr" selected' in page
    assert '<option value="de"' in page
    assert "of the 102 kB that Gmail shows" in page
    assert f"/campaigns/{campaign_id}/check" in page
    assert "Bonjour" in marketer.get(f"/campaigns/{campaign_id}/steps/0/preview/message?language=fr").text
