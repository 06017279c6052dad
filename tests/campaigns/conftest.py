"""The engine with the application behind it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from abm.wiring import connect_engine
from core import clock, db
from tests.campaigns.campaign_factory import deliveries, make_people, make_run


@pytest.fixture
def engine_side(database: Path) -> Path:
    """The application connected to the engine, on a database of the test's own; its data folder."""
    connect_engine()
    return database


@pytest.fixture
def sent_id(app: Any) -> int:
    """A message that left an hour ago."""
    with db.transaction() as session:
        make_people(session)
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at = "sent", clock.now() - timedelta(hours=1)
        return delivery.id
