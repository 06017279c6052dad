"""The audit log shows when somebody changed it behind the product's back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from abm.audit.actions import record
from abm.audit.models import AuditDetail, AuditEntry, AuditSeal
from abm.audit.seals import check_seals, seal_entries
from abm.cli import main
from core.db import reading, transaction

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def sealed(at: Callable[[datetime], None]) -> None:
    """Six entries under two seals, and one that is too young."""
    for minute in (0, 10):
        at(NOON + timedelta(minutes=minute))
        with transaction() as session:
            for number in range(3):
                record(session, action=f"act{number}", subject="thing", subject_id=number, after={"name": "Jane"})
        at(NOON + timedelta(minutes=minute + 5))
        with transaction() as session:
            assert seal_entries(session) == 3
            assert seal_entries(session) == 0
    with transaction() as session:
        record(session, action="young", subject="thing")
        assert seal_entries(session) == 0


def broken() -> tuple[int, int] | None:
    with reading() as session:
        return check_seals(session).broken


def tamper(statement: Any) -> None:
    with transaction() as session:
        session.execute(statement)


def ids() -> list[int]:
    with reading() as session:
        return list(session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))


def test_a_log_that_nobody_touched_is_intact(sealed: None) -> None:
    assert broken() is None


@pytest.mark.parametrize("column", ["actor", "action", "subject_id", "ip"])
def test_a_changed_entry_is_found_with_its_place(sealed: None, column: str) -> None:
    known = ids()
    tamper(update(AuditEntry).where(AuditEntry.id == known[4]).values({column: "forged"}))
    assert broken() == (known[2], known[5])


def test_a_removed_and_a_slipped_in_entry_are_found(sealed: None) -> None:
    known = ids()
    tamper(delete(AuditEntry).where(AuditEntry.id == known[1]))
    assert broken() == (0, known[2])
    tamper(insert(AuditEntry).values(id=known[1], at=NOON, actor="x", action="y", subject="z", subject_id="", ip=""))
    assert broken() == (0, known[2])


def test_a_chain_made_again_without_the_key_does_not_fit(sealed: None) -> None:
    tamper(update(AuditSeal).values(digest="0" * 40))
    assert broken() is not None


def test_erasing_what_an_entry_said_of_a_person_leaves_the_chain_whole(sealed: None) -> None:
    tamper(delete(AuditDetail))
    assert broken() is None


def test_the_command_seals_and_tells(sealed: None, at: Callable[[datetime], None],
                                     capsys: pytest.CaptureFixture[str]) -> None:
    at(NOON + timedelta(hours=1))
    assert main(["audit", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 7
    tamper(update(AuditEntry).where(AuditEntry.id == ids()[6]).values(action="forged"))
    assert main(["audit", "verify"]) == 2
    assert "something was changed" in capsys.readouterr().out
