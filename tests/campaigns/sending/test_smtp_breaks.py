"""Connections that break inside a message, between messages and at the goodbye, against one carrier."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaigns.channels.base import Outcome, Outgoing, Result
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.journal import Journal, read_account
from tests.sink import Script, running_sink

QUICK = Limits(opening=1.0, step=3.0, answer=1.0, slow=0.2)
LARGE = 24_000_000


def message(number: int, size: int = 100) -> Outgoing:
    head = f"Message-ID: <{number}@x>\r\nSubject: x\r\n\r\n".encode()
    return Outgoing(number, 7, 1, 0, "a@example.com", "b@example.com", head + (b"x" * 70 + b"\r\n") * (size // 72 + 1))


@contextmanager
def carrying(port: int, folder: Path, connections: int = 1) -> Iterator[tuple[SmtpCarrier, Journal]]:
    journal = Journal(folder)
    carrier = SmtpCarrier(read_relay(f"smtp://127.0.0.1:{port}?connections={connections}"), journal, lambda _one: True,
                          QUICK)
    try:
        yield carrier, journal
    finally:
        carrier.close(1)
        journal.close(keep=True)


def told(carrier: SmtpCarrier, count: int) -> list[Outcome]:
    found: list[Outcome] = []
    deadline = time.monotonic() + 15
    while len(found) < count and time.monotonic() < deadline:
        found += carrier.outcomes(0.1)
    return found


def test_a_drop_before_the_dot_is_deferred_and_then_accepted_once(tmp_path: Path) -> None:
    """The message is larger than what the system takes at once, so its dot has not left when the server goes."""
    with running_sink(Script({"content": "reset"}, times=1, window=65_536)) as (sink, port), \
            carrying(port, tmp_path) as (carrier, journal):
        carrier.hand_over([message(1, LARGE)])
        [first] = told(carrier, 1)
        carrier.hand_over([message(1)])
        [second] = told(carrier, 1)
    assert (first.result, first.phase) == (Result.DEFERRED, "content")
    assert second.result is Result.SENT
    assert sink.record.accepted == ["<1@x>"]
    assert read_account(tmp_path, journal.name, 7).accepted == {1}


@pytest.mark.parametrize("how", ["drop", "reset", "421 too long idle"])
def test_a_connection_that_ends_while_it_is_idle_fails_nothing(tmp_path: Path, how: str) -> None:
    with running_sink(Script()) as (sink, port), carrying(port, tmp_path, connections=2) as (carrier, _journal):
        results = []
        for turn in range(3):
            carrier.hand_over([message(turn * 10 + number) for number in range(6)])
            results += [one.result for one in told(carrier, 6)]
            sink.end_all(how)
            time.sleep(0.15)
    assert results == [Result.SENT] * 18
    assert len(set(sink.record.accepted)) == len(sink.record.accepted) == 18


@pytest.mark.parametrize("how", ["reset", "accept and reset"])
def test_a_reset_after_the_dot_is_doubt(tmp_path: Path, how: str) -> None:
    with running_sink(Script({"dot": how})) as (_sink, port), carrying(port, tmp_path) as (carrier, _journal):
        carrier.hand_over([message(1)])
        assert [one.result for one in told(carrier, 1)] == [Result.UNKNOWN]


def test_a_reset_at_the_goodbye_fails_nothing(tmp_path: Path) -> None:
    with running_sink(Script({"quit": "reset"})) as (sink, port):
        with carrying(port, tmp_path) as (carrier, _journal):
            carrier.hand_over([message(1), message(2)])
            assert [one.result for one in told(carrier, 2)] == [Result.SENT] * 2
        deadline = time.monotonic() + 15  # the sink reads the goodbye in its own time
        while "quit" not in sink.record.verbs and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "quit" in sink.record.verbs


def test_an_answer_dripped_within_its_time_counts(tmp_path: Path) -> None:
    """A byte at a time, whole before the limit: the message was accepted, and the product knows it."""
    with running_sink(Script({"dot": "slow accept"})) as (sink, port), carrying(port, tmp_path) as (carrier, _journal):
        carrier.hand_over([message(1)])
        assert [one.result for one in told(carrier, 1)] == [Result.SENT]
    assert sink.record.accepted == ["<1@x>"]
