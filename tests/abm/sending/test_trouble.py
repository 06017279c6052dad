"""A way out that does not work is told where people look: on its campaigns' pages and on Today."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaigns.sending import breaker
from campaigns.sending.circuit import Opening
from campaigns.sending.routes import find_identity
from core.db import reading, transaction
from tests.outbox_factory import Running, running_campaign
from tests.sending_factory import make_identity

Client = Callable[..., Any]
WORDS = "at the moment (auth: 401 the key is not accepted)"


@pytest.fixture
def running(database: Path) -> Running:
    made = running_campaign(1)
    with transaction() as session:
        identity = make_identity(session, kind="resend", base_url="https://api.example.com")
        other = make_identity(session, "other@example.net", kind="resend", base_url="https://api.example.com")
        breaker.note_openings(session, identity.id, [Opening(False, "auth", 401, "the key is not accepted.")])
        breaker.note_openings(session, other.id, [Opening(False, "connect", None, "refused")])
    return made


def pages_of(running: Running) -> list[str]:
    return ["/", f"/campaigns/{running.campaign_id}", f"/campaigns/{running.campaign_id}/results",
            f"/campaigns/{running.campaign_id}/people"]


def _identity_id() -> int:
    with reading() as session:
        found = find_identity(session, "sales@example.com")
        assert found is not None
        return found.id


def test_a_marketer_learns_that_nothing_leaves_and_whom_to_ask(running: Running, client_as: Client) -> None:
    marketer = client_as("marketer")
    for page in pages_of(running):
        text = marketer.get(page).text
        assert WORDS in text, page
        assert "An administrator sees more" in text
    assert "sales@example.com" in marketer.get("/").text
    assert "other@example.net" not in marketer.get("/").text


def test_an_administrator_gets_to_the_sender_from_there(running: Running, client_as: Client) -> None:
    for page in pages_of(running):
        assert f'href="/settings/senders/{_identity_id()}">See what is wrong' in client_as("admin").get(page).text


def test_it_is_said_until_a_connection_opens(running: Running, client_as: Client) -> None:
    identity_id = _identity_id()
    with transaction() as session:
        breaker.note_openings(session, identity_id, [Opening(True)])
    assert WORDS not in client_as("marketer").get(pages_of(running)[1]).text
