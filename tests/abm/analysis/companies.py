"""Real order books put straight into tables, as an import would have left them."""

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import AccountDay, Order
from core import clock

DATA = Path(__file__).resolve().parents[2] / "data"


def read(name: str, file: str) -> list[dict[str, str]]:
    with (DATA / name / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def load_company(session: Session, name: str) -> None:
    """Accounts, orders and order days of tests/data/NAME."""
    now = clock.now()
    accounts = read(name, "accounts.csv")
    session.execute(
        insert(Account),
        [
            {
                "external_id": row["account_id"],
                "name": row["company_name"],
                "name_key": row["company_name"].casefold(),
                "country": row.get("country") or None,
                "industry": row.get("sector") or None,
                "created_at": now,
                "updated_at": now,
            }
            for row in accounts
        ],
    )
    ids = {account.external_id: account.id for account in session.query(Account)}
    load_orders(
        session,
        [
            (
                row["order_id"],
                ids[row["account_id"]],
                date.fromisoformat(row["order_date"]),
                Decimal(row["order_total"]),
            )
            for row in read(name, "orders.csv")
        ],
    )


def load_orders(session: Session, orders: list[tuple[str, int, date, Decimal]]) -> None:
    now = clock.now()
    session.execute(
        insert(Order),
        [
            {
                "external_id": number,
                "account_id": account,
                "ordered_on": on,
                "amount": amount,
                "currency": "EUR",
                "created_at": now,
                "updated_at": now,
            }
            for number, account, on, amount in orders
        ],
    )
    days: dict[tuple[int, date], list[Decimal]] = defaultdict(list)
    for _number, account, on, amount in orders:
        days[account, on].append(amount)
    session.execute(
        insert(AccountDay),
        [
            {
                "account_id": account,
                "day": on,
                "orders": len(amounts),
                "amount": sum(amounts),
                "margin_amount": Decimal(0),
                "units": len(amounts),
            }
            for (account, on), amounts in days.items()
        ],
    )
    session.flush()
