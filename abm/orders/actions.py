"""Entering an order that was taken by phone or by hand."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.queries import get_account
from abm.audit.actions import record
from abm.catalogue.models import Product
from abm.company.queries import company_today, get_company
from abm.orders.account_days import days_of, refresh_account_days
from abm.orders.models import Order, OrderLine
from abm.orders.queries import find_order_by_external_id
from core import clock
from core.errors import InvalidInput

_CENT = Decimal("0.01")
_LARGEST = Decimal("900000000000")


@dataclass(frozen=True)
class NewLine:
    """A line of an order taken by hand; `unit_price` in the company's currency, `discount` a share."""

    sku: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        """What the line comes to, to the cent."""
        return (self.quantity * self.unit_price * (1 - self.discount)).quantize(_CENT, ROUND_HALF_UP)


def enter_order(
    session: Session,
    *,
    account_id: int,
    ordered_on: date,
    amount: Decimal | None = None,
    lines: Sequence[NewLine] = (),
    external_id: str = "",
    currency: str = "",
) -> Order:
    """A new order of an account; without `amount` it is the sum of its lines, without `external_id` one is made.

    Raises NotFound (account) and InvalidInput with a sentence per wrong field.
    """
    account = get_account(session, account_id)
    total = amount if amount is not None else sum((line.amount for line in lines), Decimal(0))
    products = _find_products(session, lines)
    own = get_company(session).currency
    _check(
        session,
        total=total,
        ordered_on=ordered_on,
        external_id=external_id,
        currency=currency or own,
        own=own,
        unknown=[line.sku for line in lines if line.sku not in products],
    )
    now = clock.now()
    order = Order(
        external_id=external_id or f"hand-{secrets.token_hex(6)}",
        account_id=account.id,
        ordered_on=ordered_on,
        amount=total,
        currency=own,
        status="entered by hand",
        created_at=now,
        updated_at=now,
    )
    session.add(order)
    session.flush()
    _add_lines(session, order, lines, products)
    for touched in days_of([(account.id, ordered_on)]):
        refresh_account_days(session, touched)
    record(
        session,
        action="order.enter",
        subject="order",
        subject_id=order.id,
        after={"account_id": account.external_id, "amount": str(total), "ordered_on": ordered_on.isoformat()},
    )
    return order


def _add_lines(session: Session, order: Order, lines: Sequence[NewLine], products: dict[str, int]) -> None:
    session.add_all(
        OrderLine(
            order_id=order.id,
            line_key=str(number),
            product_id=products[line.sku],
            quantity=float(line.quantity),
            unit_price_amount=line.unit_price,
            discount=float(line.discount),
            amount=line.amount,
        )
        for number, line in enumerate(lines, start=1)
    )
    session.flush()


def _find_products(session: Session, lines: Sequence[NewLine]) -> dict[str, int]:
    wanted = {line.sku for line in lines}
    return dict(session.execute(select(Product.sku, Product.id).where(Product.sku.in_(wanted))).all())


def _check(
    session: Session,
    *,
    total: Decimal,
    ordered_on: date,
    external_id: str,
    currency: str,
    own: str,
    unknown: Sequence[str],
) -> None:
    errors = {}
    if not (total.is_finite() and 0 < total <= _LARGEST):
        errors["amount"] = "The amount must be above zero"
    if ordered_on > company_today(session):
        errors["ordered_on"] = "The day of the order lies in the future"
    if external_id and find_order_by_external_id(session, external_id):
        errors["external_id"] = f"There is an order {external_id} already"
    if currency != own:
        errors["currency"] = f"There is no rate for {currency}; amounts are kept in {own}"
    if unknown:
        errors["lines"] = f"There is no product {', '.join(sorted(set(unknown)))}"
    if errors:
        raise InvalidInput("The order was not entered", errors)
