"""The real order histories of tests/data as accounts, orders and the rollup by day."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import AccountDay, Order
from core import clock

FOLDER = Path(__file__).resolve().parents[2] / "data"


def bring_orders(session: Session, folder: str) -> None:
    """Every order of the folder's orders.csv, with its account and its part of the rollup."""
    with (FOLDER / folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    moment = clock.now()
    ids = {name: number for number, name in enumerate(sorted({row["account_id"] for row in rows}), start=1)}
    session.execute(insert(Account), [
        {"id": number, "external_id": name, "name": name, "name_key": name.casefold(), "created_at": moment,
         "updated_at": moment} for name, number in ids.items()])
    session.execute(insert(Order), [
        {"external_id": row["order_id"], "account_id": ids[row["account_id"]], "currency": "EUR", "created_at": moment,
         "ordered_on": date.fromisoformat(row["order_date"]), "amount": Decimal(row["order_total"]),
         "updated_at": moment} for row in rows])
    _roll_up(session, rows, ids)


def _roll_up(session: Session, rows: list[dict[str, str]], ids: dict[str, int]) -> None:
    days: dict[tuple[int, date], list[Decimal]] = {}
    for row in rows:
        amount = Decimal(row["order_total"])
        if amount > 0:
            days.setdefault((ids[row["account_id"]], date.fromisoformat(row["order_date"])), []).append(amount)
    session.execute(insert(AccountDay), [
        {"account_id": account_id, "day": day, "orders": len(amounts), "amount": sum(amounts, Decimal(0)),
         "margin_amount": Decimal(0), "units": 0.0} for (account_id, day), amounts in days.items()])
