"""Rows with sensible values; a test names only what it is about."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.orders.models import AccountDay, Order
from abm.users.models import User
from core import clock

_numbers = count(1)


def _save(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_user(session: Session, **values: Any) -> User:
    n = next(_numbers)
    given = {"email": f"user{n}@example.com", "name": f"User {n}", "role": "marketer", "created_at": clock.now()}
    return _save(session, User(**{**given, **values}))


def make_account(session: Session, **values: Any) -> Account:
    n = next(_numbers)
    given: dict[str, Any] = {
        "external_id": f"A{n}",
        "name": f"Account {n}",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    given.update(values)
    given.setdefault("name_key", str(given["name"]).casefold())
    return _save(session, Account(**given))


def make_contact(session: Session, account: Account | None = None, **values: Any) -> Contact:
    n = next(_numbers)
    owner = account or make_account(session)
    given: dict[str, Any] = {
        "external_id": f"C{n}",
        "account_id": owner.id,
        "first_name": "Jane",
        "last_name": f"Doe {n}",
        "email": f"jane{n}@example.com",
        "lawful_basis": "legitimate_interest",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    given.update(values)
    given.setdefault("email_key", given["email"].lower() if given["email"] else None)
    return _save(session, Contact(**given))


def make_order(session: Session, account: Account, *, on: date, amount: str = "100", **values: Any) -> Order:
    """An order, with the rollup row that an import would have kept."""
    n = next(_numbers)
    given: dict[str, Any] = {
        "external_id": f"O{n}",
        "account_id": account.id,
        "ordered_on": on,
        "amount": Decimal(amount),
        "currency": "EUR",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    order = _save(session, Order(**{**given, **values}))
    if not order.is_cancelled and order.amount > 0:
        day = session.get(AccountDay, (account.id, on))
        if day is None:
            day = AccountDay(
                account_id=account.id, day=on, orders=0, amount=Decimal(0), margin_amount=Decimal(0), units=0
            )
            session.add(day)
        day.orders += 1
        day.amount += order.amount
        day.margin_amount += order.margin_amount or Decimal(0)
        session.flush()
    return order
