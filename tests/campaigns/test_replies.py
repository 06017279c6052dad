"""Answers of people and machines (samples: zapier, MIT, see tests/data/replies/LICENSE)."""

import email
from pathlib import Path

import pytest

from campaigns.replies import is_auto_reply, new_text

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "replies"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("correct_sig", "this is an email with a correct -- signature."),
        ("email_1_3", "Oh thanks.\n\nHaving the function would be great."),
        ("email_1_4", "Awesome! I haven't had another problem with it."),
        ("email_1_8", "I will reply under this one\n\nand under this."),
        ("email_2_1", "Outlook with a reply"),
        ("email_2_2", "Outlook with a reply directly above line"),
        ("email_BlackBerry", "Here is another email"),
        ("email_gmail", "This is a test for inbox replying to a github message."),
        ("email_headers_no_delimiter", "And another reply!"),
        ("email_iPhone", "Here is another email"),
        ("email_sent_from_my_not_signature", "Here is another email\n\nSent from my desk, is much easier then my "
                                             "mobile phone."),
        ("email_sig_delimiter_in_middle_of_line", "Hi there!\n\nStuff happened.\n\nAnd here is a fix -- this is not "
                                                  "a signature.\n\nkthxbai"),
        ("pathological", "I think you're onto something. I will try to fix the problem as soon as I\nget back to a "
                         "computer."),
    ],
)  # fmt: skip
def test_the_new_words_of_an_answer_are_found(name: str, expected: str) -> None:
    assert new_text((SAMPLES / f"{name}.txt").read_text()) == expected


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "X-Auto-Response-Suppress: All",
        "Subject: Out of Office: back on Monday",
        "Subject: Automatische Antwort: Ihr Angebot",
        "Subject: =?utf-8?q?R=C3=A9ponse_automatique?=",
        "Subject: Automatic reply: hello",
        "Subject: Re: Abwesenheitsnotiz",
    ],
)
def test_what_a_machine_wrote_is_no_reply(headers: str) -> None:
    assert is_auto_reply(email.message_from_string(headers + "\n\nI am away"))


@pytest.mark.parametrize(
    "headers", ["Subject: Re: hello", "Auto-Submitted: no", "Subject: Your office in Berlin", "Subject: Autumn offer"]
)
def test_what_a_person_wrote_is_a_reply(headers: str) -> None:
    assert not is_auto_reply(email.message_from_string(headers + "\n\nYes, please"))
