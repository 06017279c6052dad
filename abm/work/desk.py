"""What a caller has before their eyes: the account, its people, orders, offers, and what we sell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import AccountEvent
from abm.analysis.models import AccountResult, AnalysisRun
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.offers.models import Offer, OfferGrant, Redemption
from abm.offers.queries import list_account_grants
from abm.orders.models import Order
from abm.work.models import Task

LAST_ORDERS = 5
PRODUCTS = 25
LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """The facts beside a call's script. `result` is the latest analysis of the account, None without one."""

    people: Sequence[Contact]
    orders: Sequence[Order]
    timeline: Sequence[AccountEvent]
    grants: Sequence[Row[OfferGrant, Offer, Redemption]]
    result: AccountResult | None


def get_desk_facts(session: Session, task: Task) -> DeskFacts:
    """Everything about the call's account in five queries; empty for a call without account."""
    account_id = task.account_id or 0
    return DeskFacts(
        people=session.scalars(select(Contact).where(Contact.account_id == account_id, Contact.is_active)
                               .order_by(Contact.last_name, Contact.id).limit(20)).all(),
        orders=session.scalars(select(Order).where(Order.account_id == account_id)
                               .order_by(Order.ordered_on.desc(), Order.id.desc()).limit(LAST_ORDERS)).all(),
        timeline=session.scalars(select(AccountEvent).where(AccountEvent.account_id == account_id)
                                 .order_by(AccountEvent.at.desc(), AccountEvent.id.desc()).limit(LAST_LINES)).all(),
        grants=list_account_grants(session, account_id), result=_latest_result(session, account_id))


def _latest_result(session: Session, account_id: int) -> AccountResult | None:
    return session.scalar(
        select(AccountResult).join(AnalysisRun, AnalysisRun.id == AccountResult.run_id)
        .where(AccountResult.account_id == account_id, AnalysisRun.finished_at.is_not(None))
        .order_by(AccountResult.run_id.desc()).limit(1))


def search_products(session: Session, text: str = "") -> list[Product]:
    """Products by name, number or category; the first by name when nothing is asked."""
    query = select(Product).order_by(Product.name, Product.id).limit(PRODUCTS)
    if text:
        columns: tuple[Any, ...] = (Product.name, Product.sku, Product.category)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return list(session.scalars(query))
