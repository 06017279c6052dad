"""Tracking off, for a country, a campaign or a step: what leaves the house then holds nothing that is counted."""

from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from abm.accounts.models import Account
from abm.contacts.models import Contact
from campaigns.definition import parse, to_raw
from campaigns.dispatch import drain
from core.db import transaction
from core.settings import settings
from tests.campaigns.campaign_factory import make_raw
from tests.outbox_factory import EMAIL_STEP, HTML, running_campaign

STEP = {**EMAIL_STEP, "html": HTML.replace("<p>we", '<p><a href="https://shop.example.com/tea">Tea</a> we')}


def sent_html() -> str:
    drain()
    (file,) = settings().outbox_dir.glob("*.eml")
    html = message_from_bytes(file.read_bytes()).get_payload()[1]  # type: ignore[index]
    return html.get_payload(decode=True).decode()  # type: ignore[union-attr,no-any-return]


def test_a_message_is_tracked_where_nothing_speaks_against_it(engine_side: Path) -> None:
    running_campaign(1, step=STEP)

    html = sent_html()

    assert 'width="1" height="1"' in html
    assert "https://shop.example.com/tea" not in html


@pytest.mark.parametrize(
    ("step", "more"), [({"track": False}, {}), ({}, {"track": False})], ids=["the step", "the campaign"]
)
def test_it_holds_no_pixel_and_its_links_lead_straight_where_tracking_is_off(
    engine_side: Path, step: dict[str, Any], more: dict[str, Any]
) -> None:
    running_campaign(1, step={**STEP, **step}, **more)

    assert_is_untracked(sent_html())


def test_a_country_that_asks_for_consent_turns_it_off_whatever_the_campaign_says(engine_side: Path) -> None:
    running_campaign(1, step={**STEP, "track": True}, track=True)
    with transaction() as session:
        session.execute(update(Account).values(country="DE"))
        session.execute(update(Contact).values(lawful_basis="consent"))

    assert_is_untracked(sent_html())


def assert_is_untracked(html: str) -> None:
    assert 'href="https://shop.example.com/tea"' in html
    assert "<img" not in html
    assert "/c/" not in html
    assert "/o/" not in html


def test_the_file_format_keeps_both_switches() -> None:
    raw = make_raw(track=False, steps=[{**STEP, "track": False}])
    definition = parse(raw)

    assert (definition.track, definition.steps[0].track) == (False, False)  # type: ignore[union-attr]
    assert (to_raw(definition)["track"], to_raw(definition)["steps"][0]["track"]) == (False, False)
    assert "track" not in to_raw(parse(make_raw(track=True, steps=[{**STEP, "track": True}])))
