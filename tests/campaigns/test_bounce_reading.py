"""Real messages of 40 mail systems, understood (samples: sisimai, BSD-2-Clause, see tests/data/bounces/LICENSE)."""

import csv
from pathlib import Path

import pytest

from campaigns.bounce_reading import read_report
from campaigns.bounce_rules import Blame, judge

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "bounces"
with (SAMPLES / "expected.csv").open() as _file:
    EXPECTED = list(csv.DictReader(_file))
NOT_A_BOUNCE = {"feedback": "complaint", "vacation": "auto_reply", "delivered": "delivered"}
# Where the samples' authors name a cause that the message itself does not say, or says otherwise.
OTHER_REASON = {"lhost-dragonfly-18.eml", "lhost-exim-01.eml", "lhost-exim-03.eml", "lhost-notes-01.eml"}


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["file"])
def test_each_sample_is_understood(row: dict[str, str]) -> None:
    report = read_report((SAMPLES / "eml" / row["file"]).read_bytes())

    if row["reason"] in NOT_A_BOUNCE:
        assert report.kind == NOT_A_BOUNCE[row["reason"]]
        return
    refusal = report.outcomes[0].refusal
    assert (report.kind in ("bounce", "delayed"), refusal.is_hard) == (True, row["hard_bounce"] == "1")
    assert refusal.status == row["dsn_status"] or row["dsn_status"].startswith("5.0.9")
    assert refusal.reason == row["reason"] or row["file"] in OTHER_REASON


@pytest.mark.parametrize(
    ("text", "status", "is_hard", "blame"),
    [
        ("550 5.1.1 User unknown", "5.1.1", True, Blame.ADDRESS),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", "5.1.10", True, Blame.ADDRESS),
        ("550 5.1.2 Bad destination host", "5.1.2", True, Blame.ADDRESS),
        ("550 5.2.1 Mailbox disabled, not accepting messages", "5.2.1", True, Blame.MAILBOX),
        ("452 4.2.2 Mailbox full", "4.2.2", False, Blame.MAILBOX),
        ("552 5.2.2 Over quota", "5.2.2", False, Blame.MAILBOX),
        ("421 4.7.0 Try again later, reputation", "4.7.0", False, Blame.SENDER),
        ("550 5.7.26 Unauthenticated email is not accepted due to DMARC policy", "5.7.26", False, Blame.SENDER),
        ("550 5.7.515 Access denied, sending domain does not meet the required authentication "
         "level", "5.7.515", False, Blame.SENDER),
        ("550 5.7.1 user unknown", "5.7.1", False, Blame.SENDER),
        ("550 5.7.1 Recipient address rejected: user is temporarily locked", "5.7.1", False, Blame.SENDER),
        ("525 5.7.13 User account disabled", "5.7.13", False, Blame.SENDER),
        ("550 5.2.2 mailbox full", "5.2.2", False, Blame.MAILBOX),
        ("552 5.3.4 Message too big", "5.3.4", False, Blame.CONTENT),
        ("450 4.1.1 User unknown, greylisted", "4.1.1", False, Blame.ADDRESS),
        ("the address has no mailbox here by that name", "", True, Blame.ADDRESS),
        ("in reply to RCPT TO: 550 No such user here", "", True, Blame.ADDRESS),
    ],
)  # fmt: skip
def test_codes_and_words_say_whom_it_is_about(text: str, status: str, is_hard: bool, blame: Blame) -> None:
    refusal = judge(text=text, status=status)

    assert (refusal.is_hard, refusal.blame) == (is_hard, blame)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 50,
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n",
        b"Subject: =?x?q?\xff?=\n\nhi",
        b'From: no-reply@sns.amazonaws.com\n\n{"notificationType":"Bounce", broken',
    ],
)
def test_malformed_mail_is_read_without_an_error(raw: bytes) -> None:
    assert read_report(raw).kind in ("reply", "auto_reply", "bounce", "delivered")
