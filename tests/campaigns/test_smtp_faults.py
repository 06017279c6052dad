"""Every verb answered badly in every way: each message lands in the state that delivery promises (T6 to T9)."""

import time
from pathlib import Path

import pytest

from campaigns.channels.base import HandOverJournal, MayBegin, Result
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.dispatch import DrainOptions, drain
from campaigns.models import Attempt
from core.db import reading
from tests.outbox_factory import deliveries, running_campaign, states
from tests.sink import Script, running_sink

QUICK = Limits(opening=0.4, step=0.4, answer=0.6, slow=0.2)
VERBS = ("connect", "ehlo", "mail", "rcpt", "data", "dot")
BEFORE_ANY_MESSAGE = ("connect", "ehlo")


def _options(port: int, connections: int = 1) -> DrainOptions:
    def open_carrier(journal: HandOverJournal, may_begin: MayBegin) -> SmtpCarrier:
        relay = read_relay(f"smtp://127.0.0.1:{port}?connections={connections}")
        return SmtpCarrier(relay, journal, may_begin, QUICK)

    return DrainOptions(open_carrier=open_carrier)


def _expected(verb: str, fault: str) -> str:
    if verb == "dot" and fault in ("drop", "hang", "drip", "accept and drop"):
        return "unknown"
    if fault.startswith("5") and verb not in BEFORE_ANY_MESSAGE:
        return "failed_permanent"
    return "deferred"


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize("fault", ["421 busy", "451 4.3.0 later", "550 5.1.1 no such user", "drop", "hang", "drip"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_fault_lands_in_its_state(engine_side: Path, verb: str, fault: str, pipelining: bool) -> None:
    running_campaign(1)
    script = Script({verb: fault}, extensions=("PIPELINING",) if pipelining else ())
    with running_sink(script) as (sink, port):
        drain(options=_options(port))
    assert states() == {_expected(verb, fault): 1}
    assert sink.record.early_content == 0


@pytest.mark.parametrize("fault", ["421 busy", "451 later", "550 no", "drop"])
@pytest.mark.parametrize("verb", ["mail", "rcpt", "data", "dot"])
def test_one_bad_answer_leaves_the_other_messages_alone(engine_side: Path, verb: str, fault: str) -> None:
    running_campaign(12)
    with running_sink(Script({verb: fault}, times=1)) as (sink, port):
        drain(options=_options(port))
    assert states() == {"sent": 11, _expected(verb, fault): 1}
    assert len(set(sink.record.accepted)) == len(sink.record.accepted) == 11


def test_a_drop_after_the_dot_is_unknown_and_never_sent_again(engine_side: Path) -> None:
    running_campaign(6)
    with running_sink(Script({"dot": "accept and drop"}, times=1)) as (sink, port):
        drain(options=_options(port))
        drain(options=_options(port))
    assert states() == {"sent": 5, "unknown": 1}
    assert len(set(sink.record.accepted)) == len(sink.record.accepted) == 6


def test_a_server_that_closes_kept_connections_fails_nothing(engine_side: Path) -> None:
    running_campaign(40)
    with running_sink(Script(close_after=3)) as (sink, port):
        drain(options=_options(port, connections=2))
    assert states() == {"sent": 40}
    assert sink.record.connections >= 13


def test_a_server_that_takes_one_message_a_connection_fails_nothing(engine_side: Path) -> None:
    running_campaign(60)
    with running_sink(Script(close_after=1)) as (sink, port):
        drain(options=_options(port, connections=3))
    assert states() == {"sent": 60}
    assert sink.record.connections >= 60


def test_a_relay_that_is_not_there_defers_with_the_reason(engine_side: Path) -> None:
    running_campaign(2)
    drain(options=_options(port=1))
    assert {(one.state, one.detail) for one in deliveries()} == {("deferred", "connect: Connection refused")}


def test_a_deferred_message_is_due_again_after_about_a_minute(engine_side: Path) -> None:
    running_campaign(1)
    with running_sink(Script({"rcpt": "450 later"})) as (_sink, port):
        drain(options=_options(port))
    [one] = deliveries()
    assert one.first_tried_at is not None
    assert 45 <= (one.due_at - one.first_tried_at).total_seconds() <= 80


def test_each_try_is_kept_with_phase_code_and_words(engine_side: Path) -> None:
    running_campaign(1)
    with running_sink(Script({"rcpt": "550 5.1.1 no such user"})) as (_sink, port):
        drain(options=_options(port))
    with reading() as session:
        [kept] = session.query(Attempt).all()
        assert (kept.phase, kept.outcome, kept.code, kept.text) == (
            "rcpt", Result.REFUSED, 550, "rcpt: 550 5.1.1 no such user")
    assert deliveries()[0].reason == "hard_bounce"


def test_a_slow_answer_holds_nobody_else_up(engine_side: Path) -> None:
    running_campaign(30)
    with running_sink(Script({"dot": "hang"}, times=1)) as (_sink, port):
        started = time.monotonic()
        drain(options=_options(port, connections=1))
        seconds = time.monotonic() - started
    assert states() == {"sent": 29, "unknown": 1}
    assert seconds < 5
