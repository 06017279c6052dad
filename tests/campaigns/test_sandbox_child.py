"""Content is tried in a process that knows no secret and may be killed."""

import subprocess
from typing import Any

import pytest

from campaigns import sandbox_child
from campaigns.personalisation import MissingValue
from campaigns.sandbox_child import prove, render_in_child
from campaigns.sandbox_rules import ContentRefused
from core.errors import CannotRun


def test_the_child_fills_in_like_the_worker() -> None:
    values = {"contact": {"first_name": "<Zoë>"}, "account": {"custom": {"n": 3}}}

    assert render_in_child([("{{ contact.first_name }}", True), ("{{ account.custom.n }}", False)], values) == [
        "&lt;Zoë&gt;",
        "3",
    ]


def test_the_child_names_what_is_missing() -> None:
    with pytest.raises(MissingValue, match=r"contact\.title"):
        render_in_child([("{{ contact.title }}", False)], {"contact": {}})


def test_refused_content_comes_back_as_a_refusal() -> None:
    with pytest.raises(ContentRefused, match="Line 1"):
        prove((("{{ ''.__class__ }}", False),))


def test_the_child_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    real = subprocess.run

    def spy(*args: Any, **named: Any) -> Any:
        seen.update(named)
        return real(*args, **named)

    monkeypatch.setattr(sandbox_child.subprocess, "run", spy)
    render_in_child([("x", False)], {})

    assert seen["env"] == {}
    assert "ABM_DATA_DIR" not in seen["input"].decode()


@pytest.mark.parametrize("harm", ["x = [bytearray(10**8) for _ in range(50)]", "while True: pass"])
def test_a_child_that_takes_too_much_is_stopped_by_its_own_limits(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start = sandbox_child._START.replace("import main; main()", "import limit_this_process; limit_this_process()\n")
    monkeypatch.setattr(sandbox_child, "_START", start + harm)

    with pytest.raises(ContentRefused, match="stopped"):
        render_in_child([("x", False)], {})


@pytest.mark.parametrize(("trouble", "words"), [
    ("import time; time.sleep(60)", "did not get its turn"), ("import os; os.kill(os.getpid(), 9)", "was killed")])
def test_what_a_busy_machine_does_to_the_child_is_no_fault_of_the_content(
        trouble: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_child, "_START", trouble)
    monkeypatch.setattr(sandbox_child, "WALL_SECONDS", 0.3)

    with pytest.raises(CannotRun, match=words):
        render_in_child([("x", False)], {})
