"""What a partner's people read. Every query begins in `scope`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.orders.models import Order
from abm.partners.models import Partner, PartnerAccount, PartnerOrder
from abm.partners.scope import select_own_accounts, select_own_orders, select_own_tasks
from abm.web.keyset import Order as Sorting
from abm.work.models import Task
from campaigns.gate import find_objections
from core import clock

_PRODUCTS = 20
_PEOPLE = 50
_LINES = 30
BY_NAME = Sorting(Account.name_key, Account.id, is_nullable=False)
BY_DAY = Sorting(Order.ordered_on, Order.id, is_descending=True, is_nullable=False)
_BY_DUE = (Task.due_on.is_(None), Task.due_on, Task.id)


def search_own_accounts(partner: Partner, text: str) -> Select[Account, PartnerAccount]:
    """The partner's accounts whose name, city or number holds the text."""
    query = select_own_accounts(partner)
    if text:
        columns: tuple[Any, ...] = (Account.name, Account.city, Account.external_id)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return query


def search_own_orders(partner: Partner, text: str, *, account_id: int | None = None) -> Select[
        Order, Account, PartnerOrder]:
    query = select_own_orders(partner)
    if account_id is not None:
        query = query.where(Order.account_id == account_id)
    if text:
        query = query.where(or_(Order.external_id.icontains(text, autoescape=True),
                                Account.name.icontains(text, autoescape=True)))
    return query


def list_own_tasks(session: Session, partner: Partner, *, state: str = "open", account_id: int | None = None,
                   limit: int = 100) -> Sequence[Task]:
    """The earliest due first; closed ones the latest first."""
    query = select_own_tasks(partner).options(joinedload(Task.account), joinedload(Task.contact))
    query = query.where(Task.state == "open" if state == "open" else Task.state != "open")
    if account_id is not None:
        query = query.where(Task.account_id == account_id)
    order = _BY_DUE if state == "open" else (Task.done_at.desc(), Task.id.desc())
    return session.scalars(query.order_by(*order).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """What the partner's first page says."""

    accounts: int
    open_tasks: int
    late_tasks: int
    orders: int
    amount: Any


def measure_own_share(session: Session, partner: Partner, *, today: date) -> OwnFigures:
    def count(query: Select[*tuple[Any, ...]]) -> int:
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0

    own = select_own_tasks(partner).with_only_columns(Task.id).where(Task.state == "open")
    brought = (select_own_orders(partner).with_only_columns(func.count(), func.sum(Order.amount))
               .where(PartnerOrder.order_id.is_not(None), Order.is_cancelled.is_(False)))
    orders, amount = session.execute(brought).one()
    return OwnFigures(count(select_own_accounts(partner).with_only_columns(Account.id)), count(own),
                      count(own.where(Task.due_on < today)), orders, amount or 0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at an account, with the ways that are open: a number or address that objects is left out."""

    contact: Contact
    phone: str | None
    email: str | None


def list_people(session: Session, partner: Partner, account_id: int) -> list[Person]:
    """Who works at an account that is the partner's; nobody where the partner may not see people."""
    if not partner.sees_people:
        return []
    contacts = session.scalars(
        select(Contact).where(Contact.account_id == account_id, Contact.is_active)
        .order_by(Contact.last_name, Contact.id).limit(_PEOPLE)).all()
    ids, now = tuple(contact.id for contact in contacts), clock.now()
    calls = find_objections(session, ids, channel="call", purpose="marketing", at=now)
    mails = find_objections(session, ids, channel="email", purpose="marketing", at=now)
    return [Person(one, None if one.id in calls else one.phone, None if one.id in mails else one.email)
            for one in contacts]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of what the partner did with an account."""

    at: datetime
    title: str
    text: str = ""


def list_own_lines(session: Session, partner: Partner, given: PartnerAccount) -> list[Line]:
    """The partner's own timeline of an account: of its tasks and orders alone, so that nothing of ours is in it."""
    tasks = session.scalars(select_own_tasks(partner).where(Task.account_id == given.account_id,
                                                            Task.done_at.is_not(None)).limit(_LINES))
    orders = session.execute(select_own_orders(partner).where(
        Order.account_id == given.account_id, PartnerOrder.order_id.is_not(None)).limit(_LINES))
    lines = [Line(given.assigned_at, "The account became yours")]
    lines += [Line(task.done_at, f"{task.state.capitalize()}: {task.title}", task.outcome_note)
              for task in tasks if task.done_at]
    lines += [Line(entry.entered_at, f"Order {order.external_id} entered, {order.amount:,.2f} {order.currency}")
              for order, _account, entry in orders]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def search_sold_products(session: Session, text: str) -> Sequence[Product]:
    """Products by name, number or category; the first by name when nothing is asked."""
    query = select(Product).order_by(Product.name, Product.id).limit(_PRODUCTS)
    if text:
        columns: tuple[Any, ...] = (Product.name, Product.sku, Product.category)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return session.scalars(query).all()


def list_prices(session: Session, numbers: Sequence[str], *, currency: str) -> Mapping[str, str]:
    """The list prices of these products in the company's currency, as text."""
    rows = session.execute(select(Product.sku, Product.price_amount).where(
        Product.sku.in_(numbers), Product.price_amount.is_not(None),
        or_(Product.currency.is_(None), Product.currency.in_(("", currency)))))
    return {sku: str(price) for sku, price in rows}


ACCOUNT_COLUMNS = ("account_id", "account", "industry", "city", "country", "yours_since")
ORDER_COLUMNS = ("order_id", "account_id", "account", "ordered_on", "amount", "currency", "status", "brought_by_you")
TASK_COLUMNS = ("task", "kind", "account_id", "account", "due_on", "state", "outcome", "outcome_note", "done_at")


def export_own_accounts(session: Session, partner: Partner, text: str) -> Iterator[Sequence[Any]]:
    for account, given in session.execute(search_own_accounts(partner, text).order_by(Account.name_key, Account.id)):
        yield (account.external_id, account.name, account.industry, account.city, account.country, given.assigned_at)


def export_own_orders(session: Session, partner: Partner, text: str) -> Iterator[Sequence[Any]]:
    rows = session.execute(search_own_orders(partner, text).order_by(Order.ordered_on.desc(), Order.id.desc()))
    for order, account, entry in rows:
        yield (order.external_id, account.external_id, account.name, order.ordered_on, order.amount, order.currency,
               "cancelled" if order.is_cancelled else order.status, entry is not None)


def export_own_tasks(session: Session, partner: Partner, state: str) -> Iterator[Sequence[Any]]:
    for task in list_own_tasks(session, partner, state=state, limit=100_000):
        account = task.account
        yield (task.title, task.kind, account and account.external_id, account and account.name, task.due_on,
               task.state, task.outcome, task.outcome_note, task.done_at)
