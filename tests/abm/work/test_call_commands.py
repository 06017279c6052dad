"""`abm calls` for scripts and telephone systems."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from abm.catalogue.models import Product
from abm.cli import main
from abm.orders.models import Order
from abm.work.models import CallTry, Task
from core import clock, db
from tests.factories import make_account, make_contact


@pytest.fixture
def call_id(database: object, at: Callable[[datetime], None]) -> int:
    at(datetime(2026, 6, 12, 10, tzinfo=UTC))
    with db.transaction() as session:
        contact = make_contact(session, make_account(session, name="Alfreds"), phone="030-0074321")
        session.add(Product(sku="11", name="Queso", created_at=clock.now(), updated_at=clock.now()))
        task = Task(kind="call", title="x", account_id=contact.account_id, contact_id=contact.id,
                    created_at=clock.now())
        session.add(task)
        session.flush()
        return task.id


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["calls", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_next_call_has_number_and_the_gates_word(call_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = _answer(capsys, "next")
    assert (found["id"], found["account"], found["gate"]) == (call_id, "Alfreds", "allow")
    assert found["phone"] == "030-0074321"
    assert [one["id"] for one in _answer(capsys, "list")["calls"]] == [call_id]


def test_an_order_is_recorded_with_its_lines(call_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = _answer(capsys, "record", str(call_id), "--outcome", "order", "--line", "11:3:21:10%", "--minutes", "2:00")
    assert (found["state"], found["outcome"]) == ("done", "order")
    with db.reading() as session:
        assert session.scalars(select(Order.amount)).one() == Decimal("56.7")
        assert session.scalars(select(CallTry.cost_amount)).one() == Decimal(3)
    assert _answer(capsys, "next") == {"id": None}


def test_what_is_missing_is_said_and_nothing_kept(call_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calls", "record", str(call_id), "--outcome", "call_back"]) == 2
    assert "Say on which day to call back" in capsys.readouterr().err
    assert [one["id"] for one in _answer(capsys, "list")["calls"]] == [call_id]
