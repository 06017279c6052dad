"""The secrets that other programs check our webhooks with can be made anew without a break."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abm.cli import main
from abm.wiring import connect_engine
from core import db
from tests.campaigns.campaign_factory import make_campaign, make_people


def test_the_signing_secret_of_a_host_is_made_anew_on_the_step_page_and_by_command(
        database: Path, client_as: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    connect_engine()
    with db.transaction() as session:
        make_people(session, 1)
        campaign_id = make_campaign(session).id
    marketer = client_as("marketer")
    marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": "webhook"})
    step = f"/campaigns/{campaign_id}/steps/1"
    before = re.findall(r"whsec_[A-Za-z0-9+/=]+", marketer.get(step).text)
    marketer.post(f"{step}/secret")
    page = marketer.get(step).text
    after = re.findall(r"whsec_[A-Za-z0-9+/=]+", page)
    assert (len(before), len(after), before == after, "The one before still signs" in page) == (1, 1, False, True)
    assert "Make a new one" not in page
    assert marketer.post(f"/campaigns/{campaign_id}/steps/0/secret").status_code == 404
    address = re.search(r'name="url"[^>]*value="([^"]+)"', page)
    assert address is not None
    assert main(["campaigns", "webhook-secret", address[1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["secrets"] == [after[0], before[0]]
    assert main(["campaigns", "webhook-secret", address[1], "--rotate"]) == 2
