"""One message outside any campaign (a trial, a confirmation, a notice): its sender waits for the answer."""

import time

import pytest

from campaigns.channels import email
from campaigns.channels.alone import hand_over_alone, is_accepted
from campaigns.channels.base import Outgoing, Result
from campaigns.channels.smtp_desk import Desk
from campaigns.channels.smtp_replies import Reply
from campaigns.sending.routes import OPERATORS_OWN
from core.settings import settings
from tests.sink import Script, running_sink

MESSAGE = Outgoing(1, 0, 0, 0, "us@example.com", "you@example.com", b"Message-ID: <1@example.com>\r\n\r\nHello\r\n")


def _through(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings().model_copy(update={"mail_url": f"smtp://127.0.0.1:{port}"})
    monkeypatch.setattr(email, "settings", lambda: told)


def test_a_single_message_waits_for_the_server_and_is_told_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_sink(Script(delay=0.05)) as (sink, port):
        _through(port, monkeypatch)
        outcome = hand_over_alone(MESSAGE, OPERATORS_OWN)
    assert is_accepted(outcome)
    assert sink.record.accepted == ["<1@example.com>"]


def test_a_single_message_that_is_refused_says_what_the_server_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_sink(Script({"rcpt": "550 5.1.1 no such user"})) as (_sink, port):
        _through(port, monkeypatch)
        outcome = hand_over_alone(MESSAGE, OPERATORS_OWN)
    assert outcome is not None
    assert (outcome.result, outcome.text) == (Result.REFUSED, "5.1.1 no such user")


def test_whoever_asks_for_few_messages_waits_instead_of_asking_again_and_again() -> None:
    desk = Desk(lambda _message: True, put_backs=1)
    desk.low_water = 1
    desk.give([MESSAGE])
    begun = time.monotonic()
    assert desk.outcomes(0.2) == []
    assert time.monotonic() - begun >= 0.19


def test_the_first_answer_of_few_ends_the_wait() -> None:
    desk = Desk(lambda _message: True, put_backs=1)
    desk.low_water = 2
    desk.give([MESSAGE, MESSAGE])
    desk.tell(MESSAGE, Result.SENT, "dot", Reply(250, "ok"))
    begun = time.monotonic()
    assert len(desk.outcomes(5.0)) == 1
    assert time.monotonic() - begun < 1.0
