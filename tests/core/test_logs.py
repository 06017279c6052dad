"""What stands in the log: JSON lines without addresses, and nothing that a terminal would obey."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.logs import logger, mask_addresses, set_up_logs


@pytest.mark.parametrize("text", [
    "sent to jane.doe@example.com", "<Jane@Example.COM>: 250 ok", "jane+tag@mail.example.co.uk, j@example.org"])
def test_addresses_are_masked(text: str) -> None:
    assert "@" not in mask_addresses(text)


@pytest.fixture
def own_logs() -> Iterator[None]:
    """The handlers of the test run come back afterwards."""
    before, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = before
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object_whatever_the_value(own_logs: None, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(logging.WARNING)
    logger("test").warning("a message", to="jane.doe@example.com", text="two\r\nlines \x1b[31mred\x1b[0m")
    said = capsys.readouterr()
    (line,) = [one for one in (said.err + said.out).splitlines() if "a message" in one]
    assert "jane.doe" not in line
    assert "\x1b" not in line
    assert json.loads(line)["event"] == "a message"
