"""Answers of people and machines (samples: zapier, MIT, see tests/data/replies/LICENSE)."""

import email
from pathlib import Path

import pytest

from campaigns.replies import is_auto_reply, new_text

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "replies"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.txt")), ids=lambda path: path.stem)
def test_the_new_words_of_an_answer_are_found(path: Path) -> None:
    """Each expected text was compared with its sample by eye."""
    assert new_text(path.read_text()) == (SAMPLES / "expected" / path.name).read_text().rstrip("\n")


def test_all_samples_are_there() -> None:
    assert len(list(SAMPLES.glob("*.txt"))) == 24


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
