"""Why a queued message waits: on the pages of the person, the message and the campaign, and by command."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from abm.cli import main
from abm.company.actions import set_company_value
from campaigns.models import Delivery, Run
from core import db
from tests.outbox_factory import Running, deliveries, running_campaign

Client = Callable[..., Any]
OPENS = datetime(2026, 11, 27, 17, tzinfo=UTC)
WORDS = "opens: Friday 27 November 2026, 09:00 in America/Los Angeles"


@pytest.fixture
def running(database: Path, at: Callable[..., None]) -> Running:
    """Thanksgiving in Los Angeles, noon: the message waits for Friday."""
    at(datetime(2026, 11, 26, 20, tzinfo=UTC))
    made = running_campaign(1, window={"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"})
    with db.transaction() as session:
        session.execute(update(Delivery).values(due_at=OPENS))
        session.connection().exec_driver_sql("UPDATE contact SET timezone = 'America/Los_Angeles'")
    return made


def pages_of(running: Running) -> list[str]:
    [row] = deliveries()
    return [f"/people/{row.contact_id}/why-not", f"/campaigns/{running.campaign_id}/people/{row.contact_id}",
            f"/campaigns/{running.campaign_id}/messages/{row.id}", f"/campaigns/{running.campaign_id}/people"]


def test_each_page_says_until_when_a_message_waits_and_why(running: Running, client_as: Client) -> None:
    viewer = client_as("viewer")
    for page in pages_of(running):
        assert WORDS in viewer.get(page).text, page


@pytest.mark.parametrize("pause", ["run", "all"])
def test_a_pause_is_the_reason_where_there_is_one(running: Running, client_as: Client, pause: str) -> None:
    with db.transaction() as session:
        if pause == "all":
            set_company_value(session, name="is_sending_paused", value=True)
        else:
            session.execute(update(Run).values(state="paused"))
    for page in pages_of(running):
        text = client_as("viewer").get(page).text
        assert ("is paused; a" in text, WORDS in text) == (True, False), page


def test_what_is_due_is_told_to_be_next(running: Running, client_as: Client, at: Callable[..., None]) -> None:
    at(OPENS)
    assert "A worker takes it next" in client_as("viewer").get(pages_of(running)[0]).text


@pytest.mark.parametrize(("reason", "word"), [("not_taken", "Not taken yet"), ("no_way_out", "did not let us in")])
def test_what_was_not_taken_says_why_how_often_and_when_again(running: Running, client_as: Client, reason: str,
                                                              word: str) -> None:
    with db.transaction() as session:
        session.execute(update(Delivery).values(state="deferred", reason=reason, attempts=2, detail="auth: 535 no"))
    for page in pages_of(running):
        text = client_as("viewer").get(page).text
        assert word in text
        assert "auth: 535 no (tried 2 times; again on Friday 27 November 2026, 17:00 UTC)" in text


def test_the_command_that_asks_why_tells_it_too(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    [row] = deliveries()
    assert main(["contact", "why", str(row.address), "--json"]) == 0
    [person] = json.loads(capsys.readouterr().out)["people"]
    [message] = person["messages"]
    assert WORDS in message["detail"]
