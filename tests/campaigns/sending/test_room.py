"""A disk that is about to be full: nothing is handed over whose outcome could not be stored."""

from pathlib import Path

import pytest

from campaigns import disk_room, outbox, room
from campaigns.dispatch import drain
from campaigns.journal import Journal, read_account
from core.db import reading
from tests.faults.registry import no_mount
from tests.faults.small_disk import fill, small_disk
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


def test_a_full_disk_keeps_what_becomes_of_every_message_that_was_begun(tmp_path: Path) -> None:
    if why := no_mount():
        pytest.skip(why)
    with small_disk(tmp_path / "disk", size=2**21) as disk:
        journal = Journal(disk)
        fill(disk / "ballast", leave=0)
        begun = 0
        while journal.has_room():
            begun += 1
            journal.begun(begun, 7)
        for one in range(1, begun + 1):
            journal.accepted(one, 7) if one > begun - 1_000 else None
        journal.close(keep=True)
        account = read_account(disk, journal.name, 7)
    assert begun > 1_000
    assert len(account.begun) == begun
    assert len(account.accepted) == 1_000


def test_room_is_taken_beyond_the_end_and_no_reader_sees_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begun(1, 7)
    [file] = tmp_path.iterdir()
    assert file.read_bytes() == b"B 1 7\n"
    assert file.stat().st_blocks * 512 >= 256 * 1024
    journal.close()


def test_a_journal_without_room_begins_nothing_and_the_drain_ends(
        engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(5)
    monkeypatch.setattr(disk_room, "reserve", lambda *_given, **_more: False)
    drain()
    assert states() == {"queued": 5}


def test_a_journal_that_fills_up_while_it_sends_begins_no_more(
        engine_side: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(8)
    looks = iter([True] * 6)
    monkeypatch.setattr(Journal, "has_room", lambda _journal: next(looks, False))
    drain()
    found = states()
    assert set(found) == {"sent", "queued"}
    assert sum(found.values()) == 8
