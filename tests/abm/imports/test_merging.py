"""Many rows: slices, rows that turn out to be known, the rollup, and what others may do meanwhile."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from abm.imports import staging
from abm.orders.models import AccountDay, Order
from core import db
from tests.abm.imports.files import counts, import_text
from tests.factories import make_account

HEAD = "order_id,account_id,ordered_on,amount,margin,status\n"


@pytest.fixture
def accounts(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("_SQLITE_SLICE", "_POSTGRES_SLICE"):
        monkeypatch.setattr(staging, name, 10)
    monkeypatch.setattr(staging, "_WINDOW", 25)
    with db.transaction() as session:
        for number in range(7):
            make_account(session, external_id=f"A{number}")
    return database


def orders(first: int, last: int, *, amount: int = 100, status: str = "") -> str:
    """Order lines of a file; every tenth one is cancelled, every ninth one is a credit."""
    return "".join(
        f"O{number},A{number % 7},2024-01-{number % 5 + 1:02d},{-5 if number % 9 == 0 else amount},{number},"
        f"{'cancelled' if number % 10 == 0 else status}\n"
        for number in range(first, last)
    )


def rollup_and_orders() -> tuple[list[tuple], list[tuple]]:
    """What the rollup says, and what it should say by the orders themselves."""
    counted = (
        select(Order.account_id, Order.ordered_on, func.count(), func.sum(Order.amount), func.sum(Order.margin_amount))
        .where(Order.is_cancelled.is_(False), Order.amount > 0)
        .group_by(Order.account_id, Order.ordered_on)
    )
    kept = select(
        AccountDay.account_id, AccountDay.day, AccountDay.orders, AccountDay.amount, AccountDay.margin_amount
    )
    with db.reading() as session:
        return (
            sorted(map(tuple, session.execute(kept))),
            sorted(map(tuple, session.execute(counted))),
        )


def test_the_rollup_is_right_after_a_file_of_new_orders(accounts: Path) -> None:
    assert counts(import_text(accounts, "orders", HEAD + orders(0, 200))) == (200, 0, 0, 0)
    kept, expected = rollup_and_orders()
    assert kept == expected
    assert len(kept) == 35


def test_new_orders_add_to_days_that_are_there(accounts: Path) -> None:
    import_text(accounts, "orders", HEAD + orders(0, 90))
    import_text(accounts, "orders", HEAD + orders(90, 200))
    kept, expected = rollup_and_orders()
    assert kept == expected


def test_known_orders_among_new_ones_are_counted_and_changed_as_such(accounts: Path) -> None:
    import_text(accounts, "orders", HEAD + orders(55, 75))
    text = HEAD + orders(0, 60) + orders(60, 70, amount=250) + orders(70, 200)
    report = import_text(accounts, "orders", text)
    assert report.created == 180
    assert report.updated + report.unchanged == 20
    kept, expected = rollup_and_orders()
    assert kept == expected
    assert counts(import_text(accounts, "orders", text)) == (0, 0, 200, 0)


def test_a_key_that_comes_twice_counts_once_in_the_rollup(accounts: Path) -> None:
    report = import_text(accounts, "orders", HEAD + orders(0, 40) + orders(20, 60, amount=300))
    assert report.created == 60
    kept, expected = rollup_and_orders()
    assert kept == expected


@pytest.mark.parametrize("size", [30, 100])
def test_slices_cover_every_row_whatever_their_size(accounts: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_LOCK_SECONDS", 0.0001)
    monkeypatch.setattr(staging, "_SMALLEST_SLICE", 3)
    assert import_text(accounts, "orders", HEAD + orders(0, size)).created == size
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == size


def test_others_can_write_between_the_slices(accounts: Path) -> None:
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            begun = time.monotonic()
            with db.transaction() as session:
                make_account(session, external_id=f"W{len(waits)}")
            waits.append(time.monotonic() - begun)
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        import_text(accounts, "orders", HEAD + orders(0, 3000))
    finally:
        over.set()
        writer.join()
    assert len(waits) > 3
    assert max(waits) < 10
