"""Nothing in a message ends it early or begins another (SMTP smuggling), whatever server reads the bytes."""

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from abm.contacts.models import Contact
from campaigns.channels.smtp_replies import content
from campaigns.dispatch import drain
from core.db import transaction
from tests.campaigns.test_smtp_faults import _options
from tests.outbox_factory import EMAIL_STEP, running_campaign, states
from tests.sink import running_sink

EVIL = "MAIL FROM:<evil@example.com>"
ENDS = [f"{a}.{b}" for a in ("\r\n", "\n", "\r", "\n\r") for b in ("\r\n", "\n", "\r")]
# What servers that are less strict than RFC 5321 have taken for the end of the content.
LENIENT_END = re.compile(rb"(?:\r\n|\n|\r|\x00)\.(?:\r\n|\n|\r|\x00)")
LONELY = re.compile(rb"(?<!\r)\n|\r(?!\n)")


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_an_end_of_content_in_words_and_values_stays_inside_its_message(engine_side: Path, end: str) -> None:
    said = f"Before{end}{EVIL}{end}RCPT TO:<x@example.com>"
    step = {**EMAIL_STEP, "html": None, "text": said + " {{ contact.last_name }}\n.\n{{ unsubscribe_url }} "
            "{{ sender.postal_address }}\n.starts with a dot\n" + "x" * 75 + "." * 90}
    running_campaign(2, step=step)
    with transaction() as session:
        session.execute(update(Contact).values(first_name=f"Jane{end}{EVIL}", last_name=f"Doe{end}{EVIL}"))
    with running_sink() as (sink, port):
        drain(options=_options(port))
    assert (states(), len(sink.record.accepted)) == ({"sent": 2}, 2)
    assert (sink.record.verbs.count("mail"), sink.record.early_content) == (2, 0)
    for raw in sink.record.messages:
        assert (LONELY.search(raw), LENIENT_END.search(raw)) == (None, None)
        assert all(line == b".." or line.startswith(b"..") for line in raw.split(b"\r\n") if line.startswith(b"."))
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert EVIL in _read(raw)


def _read(raw: bytes) -> str:
    """The text as a correct server would give it on."""
    message = message_from_bytes(re.sub(rb"(?m)^\.", b"", raw), policy=default)
    body = message.get_body(("plain",))
    assert body is not None
    words = str(body.get_content())
    assert ".starts with a dot" in words.splitlines()
    return words


@given(st.lists(st.sampled_from([b".", b"..", b"\r\n", b"a", b".\r\n", b"\r\n.\r\n"])).map(b"".join))
def test_the_final_dot_is_the_only_end_that_even_a_lenient_server_sees(wire: bytes) -> None:
    sent = content(wire)
    # what stands before the content is the line end of DATA
    ends = [found.end() for found in LENIENT_END.finditer(b"\r\n" + sent)]
    assert ends == [len(sent) + 2]
    taken = re.sub(rb"(?m)^\.", b"", sent.removesuffix(b".\r\n"))
    assert taken in (wire, wire + b"\r\n")


@pytest.mark.parametrize("wire", [b"a\nb", b"a\rb", b"a\n.\nb", b"a\r.\rb", b"a\r\n.\nb", b"a\n\r.\r\nb"])
def test_a_lonely_line_end_never_leaves_the_house(wire: bytes) -> None:
    with pytest.raises(ValueError, match="not CRLF"):
        content(wire)
