"""Tokens in links: bound to their purpose, opaque, for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import tracking
from campaigns.machine_rules import MachineRules
from core.settings import settings
from core.signing import sign

pytestmark = pytest.mark.usefixtures("data_dir")
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1].removesuffix(".gif")


def test_links_are_built_from_the_configured_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "base_url", "https://abm.example.com")

    assert tracking.unsubscribe_url(7).startswith("https://abm.example.com/u/")
    assert tracking.click_url(7, "https://example.com/").startswith("https://abm.example.com/c/")
    assert tracking.open_url(7).endswith(".gif")


def test_each_token_is_read_for_its_own_purpose_only() -> None:
    unsubscribe, opened = token_of(tracking.unsubscribe_url(7)), token_of(tracking.open_url(7))

    assert (tracking.read_unsubscribe(unsubscribe), tracking.read_open(opened)) == (7, 7)
    assert (tracking.read_unsubscribe(opened), tracking.read_open(unsubscribe), tracking.read_click(opened)) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example.com", "file:///etc/passwd"])
def test_a_signed_target_that_is_not_on_the_web_is_not_followed(url: str) -> None:
    assert tracking.read_click(sign(tracking.CLICK, b"s" + (7).to_bytes(8, "big") + url.encode())) is None


def test_a_target_that_is_too_long_is_not_wrapped() -> None:
    url = "https://example.com/" + "x" * 2000

    assert tracking.click_url(7, url) == url


@given(token=st.text(max_size=80))
def test_whatever_is_sent_as_a_token_is_answered_without_an_error(token: str) -> None:
    assert tracking.read_click(token) is None
    assert tracking.read_unsubscribe(token) is None
    assert tracking.read_envelope_recipient(f"bounces+{token}@example.com") is None


def test_the_envelope_sender_names_the_message_whatever_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking.envelope_sender("sales@example.com", 7) == "sales@example.com"
    monkeypatch.setattr(settings(), "bounce_address", "b@bounce.example.com")
    made = tracking.envelope_sender("sales@example.com", 123_456_789)

    assert tracking.read_envelope_recipient(f"<{made.upper()}>") == 123_456_789
    assert len(made.split("@")[0]) <= 64
    bent = made.replace(made.split("@")[0][-8:-4], "2222")
    assert tracking.read_envelope_recipient(bent) is None


@pytest.mark.parametrize(
    ("agent", "seconds", "is_open_machine", "is_click_machine"),
    [(BROWSER, 3600.0, False, False), (BROWSER, 2.0, True, True), ("Mozilla/5.0", 3600.0, True, False),
     ("", 3600.0, True, True),
     ("curl/8", 3600.0, True, True), ("Mozilla/5.0 (compatible; Barracuda "
                                      "Sentinel)", 60.0, True, True), (BROWSER, None, False, False)],
)  # fmt: skip
def test_signs_of_a_machine(agent: str, seconds: float | None, is_open_machine: bool, is_click_machine: bool) -> None:
    assert MachineRules().is_machine_open(agent=agent, seconds_since_sent=seconds) is is_open_machine
    assert MachineRules().is_machine_click(agent=agent, seconds_since_sent=seconds) is is_click_machine
    assert MachineRules().is_machine_click(agent=agent, seconds_since_sent=seconds, method="HEAD")
