"""Twelve verbs, eight faults: where no message was begun everything is tried again, and a bad goodbye fails nothing.

The verbs of the envelope and their first six faults are in tests/campaigns/test_smtp_faults.py.
"""

from pathlib import Path

import pytest

from campaigns.channels.base import HandOverJournal, MayBegin
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.dispatch import DrainOptions, drain
from tests.outbox_factory import deliveries, running_campaign, states
from tests.sink import Script, running_sink

QUICK = Limits(opening=0.3, step=0.3, answer=0.4, slow=0.1)
NEW_FAULTS = ("good evening", "250 " + "x" * 70_000)
FAULTS = ("421 busy", "451 4.3.0 later", "550 5.7.1 no", "drop", "hang", "drip", *NEW_FAULTS)
NAMES = ["421", "4xx", "5xx", "drop", "hang", "drip", "not SMTP", "endless"]


def options(url: str) -> DrainOptions:
    def open_carrier(journal: HandOverJournal, may_begin: MayBegin) -> SmtpCarrier:
        return SmtpCarrier(read_relay(url), journal, may_begin, QUICK)

    return DrainOptions(open_carrier=open_carrier)


def send(script: Script, *, query: str = "", login: str = "") -> None:
    with running_sink(script) as (sink, port):
        drain(options=options(f"smtp://{login}127.0.0.1:{port}?connections=1{query}"))
    assert sink.record.early_content == 0 or "starttls" in script.answers
    assert len(set(sink.record.accepted)) == len(sink.record.accepted)


@pytest.mark.parametrize("fault", NEW_FAULTS, ids=NAMES[6:])
@pytest.mark.parametrize("verb", ["connect", "ehlo", "mail", "rcpt", "data", "dot"])
def test_what_is_no_smtp_is_doubt_after_the_dot_and_tried_again_before(engine_side: Path, verb: str,
                                                                       fault: str) -> None:
    running_campaign(1)
    send(Script({verb: fault}))
    assert states() == {"unknown" if verb == "dot" else "deferred": 1}


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
@pytest.mark.parametrize(("verb", "before", "more"), [
    ("helo", {"ehlo": "502 what"}, {}),
    ("starttls", {}, {"query": "&tls=starttls"}),
    ("auth", {}, {"login": "user:secret@"})], ids=["helo", "starttls", "auth"])
def test_a_fault_before_the_first_message_defers(engine_side: Path, verb: str, before: dict[str, str],
                                                 more: dict[str, str], fault: str) -> None:
    running_campaign(1)
    send(Script({**before, verb: fault}, extensions=("STARTTLS", "AUTH PLAIN") if verb != "auth" else ("AUTH PLAIN",)),
         **more)
    assert states() == {"deferred": 1}
    assert (deliveries()[0].detail or "").split(":")[0] in (verb, "tls", "connect", "mail")


@pytest.mark.parametrize("answer", ["220 go", "220 go\r\n220 more"])
def test_a_handshake_that_is_none_defers(engine_side: Path, answer: str) -> None:
    running_campaign(1)
    send(Script({"starttls": answer}, extensions=("STARTTLS",)), query="&tls=starttls")
    assert states() == {"deferred": 1}


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_fault_at_the_reset_leaves_refused_refused_and_the_others_go_on(engine_side: Path, fault: str) -> None:
    running_campaign(4)
    send(Script({"rcpt": "550 5.1.1 no such user", "rset": fault}, times=1))
    assert states() == {"failed_permanent": 1, "sent": 3}


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_fault_at_the_goodbye_fails_nothing(engine_side: Path, fault: str) -> None:
    running_campaign(2)
    send(Script({"quit": fault}))
    assert states() == {"sent": 2}
