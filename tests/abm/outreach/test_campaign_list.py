"""The list of campaigns: its counts are those of the rows, whatever is filtered and however the rows lie."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.outreach.queries import count_campaigns, list_campaigns
from abm.wiring import connect_engine
from campaigns import tally
from campaigns.models import Campaign, Delivery, Run
from campaigns.states import BOOK_OF_STATE, CampaignState, DeliveryState
from core import db
from core.db import Session
from tests.campaigns.campaign_factory import deliveries, make_campaign, make_people, make_run


@pytest.fixture
def first_and_second(session: Session) -> tuple[Run, Run]:
    """A running campaign and a finished one, with messages in every state."""
    connect_engine()
    make_people(session, 2 * len(DeliveryState))
    first, second = make_run(session, campaign="first"), make_run(session, campaign="second")
    for run in (first, second):
        for row, state in zip(deliveries(session, run), cycle(DeliveryState), strict=False):
            row.state = state
    session.get_one(Campaign, second.campaign_id).state = CampaignState.FINISHED
    deliveries(session, second)[0].state = DeliveryState.UNKNOWN
    session.flush()
    session.expire_all()
    return first, second


@pytest.mark.parametrize("sparse", [0, 4], ids=["by the index", "in order"])
@pytest.mark.parametrize("state", ["", "running", "finished"])
def test_the_books_in_the_list_are_counted_to_the_row(
    session: Session, first_and_second: tuple[Run, Run], state: str, sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "SPARSE", sparse)
    rows = {row.campaign.name: row for row in list_campaigns(session, state)}
    assert set(rows) == {"": {"first", "second"}, "running": {"first"}, "finished": {"second"}}[state]
    for row in rows.values():
        by_hand = Counter(BOOK_OF_STATE[one] for one in session.scalars(
            select(Delivery.state).join(Run).where(Run.campaign_id == row.campaign.id)))
        assert row.books == by_hand
        assert row.planned == 2 * len(DeliveryState)
        assert row.launched_at


def test_a_state_that_no_campaign_is_in_has_no_row(session: Session, first_and_second: tuple[Run, Run]) -> None:
    assert list_campaigns(session, "draft") == []
    assert count_campaigns(session) == {"running": 1, "finished": 1}


def test_the_page_filters_by_the_states_that_campaigns_are_in(
    client_as: Callable[..., Any], database: Path
) -> None:
    connect_engine()
    with db.transaction() as session:
        make_people(session)
        make_run(session, campaign="first")
        make_campaign(session, campaign="second")
    page = client_as("marketer").get("/campaigns").text
    chips = " ".join(re.sub(r"<[^>]+>", " ", page.split('aria-label="Filter by state"')[1].split("</nav>")[0]).split())
    assert chips.endswith("All 2 Running 1 Draft 1")
    assert ">second<" not in client_as("marketer").get("/campaigns?state=running").text
