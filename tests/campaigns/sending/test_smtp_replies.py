"""Replies of a server are read alike however its bytes are sliced, and what is no reply is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.channels.smtp_replies import MAX_REPLY_BYTES, BadReply, Reply, ReplyReader

SAID = (b"250-relay.example.com\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"
        b"354 go on\r\n" + "550 5.1.1 no sush üser\n".encode() + b"221\r\n")
REPLIES = [Reply(250, "relay.example.com\nPIPELINING\nSIZE 1000"), Reply(354, "go on"),
           Reply(550, "5.1.1 no sush üser"), Reply(221, "")]


@given(st.sets(st.integers(1, len(SAID) - 1)))
def test_replies_are_cut_alike_however_they_arrive(cuts: set[int]) -> None:
    reader, found = ReplyReader(), []
    places = [0, *sorted(cuts), len(SAID)]
    for start, end in pairwise(places):
        reader.feed(SAID[start:end])
        while (reply := reader.next()) is not None:
            found.append(reply)
    assert found == REPLIES


@pytest.mark.parametrize("line", [b"hello\r\n", b"25\r\n", "²⁵⁰ ok\r\n".encode(), b"250:ok\r\n", b"\r\n"])
def test_a_line_that_is_no_reply_is_refused(line: bytes) -> None:
    reader = ReplyReader()
    reader.feed(b"250 ok\r\n" + line)
    assert reader.next() == Reply(250, "ok")
    with pytest.raises(BadReply):
        reader.next()


def test_a_reply_without_an_end_is_not_waited_for_for_ever() -> None:
    reader = ReplyReader()
    for _ in range(MAX_REPLY_BYTES // 4):
        reader.feed(b"250-")
    with pytest.raises(BadReply, match="no end"):
        reader.feed(b"250-")


def test_what_was_read_is_not_held_against_the_next_reply() -> None:
    reader = ReplyReader()
    for _ in range(MAX_REPLY_BYTES // 8 + 2):
        reader.feed(b"250 ok\r\n")
        assert reader.next() == Reply(250, "ok")
