"""A disk that is about to be full: nothing is handed over whose outcome could not be stored."""

from pathlib import Path

import pytest

from campaigns import outbox, room
from campaigns.dispatch import drain
from core.db import reading
from tests.outbox_factory import running_campaign, states


def test_nothing_is_handed_over_without_room_and_everything_goes_out_when_there_is_some(
        engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(5)
    monkeypatch.setattr(room, "LEAST_FREE_BYTES", 10**18)
    drain()
    assert states() == {"queued": 5}
    with reading() as session:
        assert outbox.is_idle(session)
    monkeypatch.setattr(room, "LEAST_FREE_BYTES", 1)
    drain()
    assert states() == {"sent": 5}


def test_a_disk_that_fills_up_between_preparing_and_handing_over_stops_in_time(
        engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(5)
    looks = iter([True] * 2)
    monkeypatch.setattr("campaigns.dispatch.has_room", lambda: next(looks, False))
    drain()
    assert states() == {"queued": 5}
