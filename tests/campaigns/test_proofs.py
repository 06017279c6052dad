"""Content that compiled in the child once is not tried there again by every new sending process."""

from pathlib import Path
from typing import Any

import pytest

from campaigns import proofs, sandbox_child
from campaigns.sandbox_rules import ContentRefused
from core.settings import settings

PARTS = (("Dear {{ contact.first_name }}", False),)
BAD = (("{{ ''.__class__ }}", False),)
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was given to the child, which answers as always."""
    asked: list[Any] = []
    real = sandbox_child._ask_child

    def spy(parts: Any, values: Any) -> list[str]:
        asked.append(parts)
        return real(parts, values)

    monkeypatch.setattr(sandbox_child, "_ask_child", spy)
    return asked


def prove_in_a_new_process(parts: tuple[tuple[str, bool], ...]) -> None:
    sandbox_child.prove.cache_clear()
    sandbox_child.prove(parts)


def test_the_next_process_knows_that_the_content_was_tried(tried: list[Any]) -> None:
    prove_in_a_new_process(PARTS)
    prove_in_a_new_process(PARTS)
    assert tried == [PARTS]


def test_refused_content_is_refused_again(tried: list[Any]) -> None:
    for _ in range(2):
        with pytest.raises(ContentRefused):
            prove_in_a_new_process(BAD)
    assert tried == [BAD, BAD]


def test_a_proof_made_with_another_key_does_not_count(tried: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    prove_in_a_new_process(PARTS)
    monkeypatch.setenv("ABM_SECRET_KEY", "another key of at least thirty-two letters")
    settings.cache_clear()
    prove_in_a_new_process(PARTS)
    assert tried == [PARTS, PARTS]


def test_other_code_asks_for_another_proof(tried: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    prove_in_a_new_process(PARTS)
    monkeypatch.setattr(proofs, "_code", lambda: "other")
    prove_in_a_new_process(PARTS)
    assert tried == [PARTS, PARTS]


def test_content_is_tried_each_time_where_nothing_can_be_written(tried: list[Any], database: Path) -> None:
    (settings().data_dir / "proofs").write_text("in the way")
    prove_in_a_new_process(PARTS)
    prove_in_a_new_process(PARTS)
    assert tried == [PARTS, PARTS]
