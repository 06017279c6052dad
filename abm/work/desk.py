"""What a caller has before their eyes: the account, its people, orders, offers, and what we sell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup
from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.analysis.models import AccountResult, AnalysisRun
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.offers.models import Offer, OfferGrant, Redemption
from abm.offers.queries import list_account_grants
from abm.orders.models import Order, OrderLine
from abm.work.losing_checks import Check, KnownBefore, check_before_call
from abm.work.models import Task
from abm.work.order_lines import TypedLine

LAST_ORDERS = 5
PRODUCTS = 25
LAST_LINES = 5
BOUGHT = 8

CardOfCall = Callable[[Session, Account, int | None], str]
_CARDS: list[CardOfCall] = []


def register_desk_card(render: CardOfCall) -> None:
    """A card of a higher area beside the script: a rendered template, or an empty text where nothing is to be shown.
    `render(session, account, contact_id)`: whom the call is to, where it is to somebody."""
    _CARDS.append(render)


def render_desk_cards(session: Session, account: Account, contact_id: int | None) -> list[Markup]:
    rendered = (render(session, account, contact_id) for render in _CARDS)
    return [Markup(card) for card in rendered if card]  # noqa: S704 — rendered with autoescape


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """The facts beside a call's script. `result` is the latest analysis of the account, None without one; `bought`:
    what they order, the latest first, as rows (product, last day, quantity in all)."""

    people: Sequence[Contact]
    orders: Sequence[Order]
    bought: Sequence[Row[Product, date, float | None]]
    timeline: Sequence[AccountEvent]
    grants: Sequence[Row[OfferGrant, Offer, Redemption]]
    result: AccountResult | None
    checks: Sequence[Check]


def get_desk_facts(session: Session, task: Task, *, today: date) -> DeskFacts:
    """Everything about the call's account in a handful of queries; empty for a call without account."""
    account_id = task.account_id or 0
    people = session.scalars(select(Contact).where(Contact.account_id == account_id, Contact.is_active)
                             .order_by(Contact.last_name, Contact.id).limit(20)).all()
    bought = _list_bought(session, account_id)
    return DeskFacts(
        people=people, bought=bought,
        orders=session.scalars(select(Order).where(Order.account_id == account_id)
                               .order_by(Order.ordered_on.desc(), Order.id.desc()).limit(LAST_ORDERS)).all(),
        timeline=session.scalars(select(AccountEvent).where(AccountEvent.account_id == account_id)
                                 .order_by(AccountEvent.at.desc(), AccountEvent.id.desc()).limit(LAST_LINES)).all(),
        grants=list_account_grants(session, account_id), result=_latest_result(session, account_id),
        checks=check_before_call(_known_before(session, task, [row[0] for row in bought], today)))


def _list_bought(session: Session, account_id: int) -> Sequence[Row[Product, date, float | None]]:
    last_on = func.max(Order.ordered_on)
    return session.execute(
        select(Product, last_on, func.sum(OrderLine.quantity))
        .join(OrderLine, OrderLine.product_id == Product.id).join(Order, Order.id == OrderLine.order_id)
        .where(Order.account_id == account_id, Order.is_cancelled.is_(False))
        .group_by(Product.id).order_by(last_on.desc(), func.sum(OrderLine.amount).desc(), Product.id)
        .limit(BOUGHT)).all()


def _known_before(session: Session, task: Task, bought: Sequence[Product], today: date) -> KnownBefore:
    account_id = task.account_id or 0
    late = session.scalars(select(Task.title).where(
        Task.account_id == account_id, Task.state == "open", Task.due_on < today, Task.id != task.id)
        .order_by(Task.due_on).limit(4)).all()
    last = session.execute(select(Task.sentiment, Task.outcome_note).where(
        Task.account_id == account_id, Task.sentiment.is_not(None))
        .order_by(func.coalesce(Task.done_at, Task.created_at).desc(), Task.id.desc()).limit(1)).first()
    decides = session.scalar(select(Contact.id).where(
        Contact.account_id == account_id, Contact.is_active,
        Contact.buying_role.in_(("decision_maker", "economic_buyer"))).limit(1))
    return KnownBefore(
        our_late=late, was_annoyed=bool(last and last[0] == "bad"), annoyed_note=last[1] if last else "",
        has_decision_maker=decides is not None, has_preparation=bool(task.script or task.note),
        not_available=[product.name for product in bought if product.is_available is False],
        without_application=[product.name for product in bought if not product.application])


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


def name_products(session: Session, lines: Sequence[TypedLine]) -> dict[str, str]:
    """The names of the products on these lines by their number."""
    rows = session.execute(select(Product.sku, Product.name).where(Product.sku.in_({line.sku for line in lines})))
    return {sku: name for sku, name in rows}


def line_of_product(session: Session, sku: str, *, currency: str) -> TypedLine:
    """A row of the order form for one piece; the catalogue's price where it is in the company's currency."""
    product = session.scalar(select(Product).where(Product.sku == sku))
    if product is None:
        return TypedLine(sku, "1")
    is_own = product.price_amount is not None and product.currency in (None, "", currency)
    return TypedLine(product.sku, "1", f"{product.price_amount:.2f}" if is_own else "")
