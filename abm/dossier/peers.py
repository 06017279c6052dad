"""Reading white space: the peers of an account, and who bought which category, in bounded set-based queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, select, type_coerce, union_all
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.dossier.family import below
from abm.dossier.white_space import CategoryRow, Peers, category_rows
from abm.orders.models import AccountDay, Order, OrderLine
from core.db import MONEY_SCALE

PEERS, FEWEST_PEERS, SITES, SPAN = 100, 5, 8, timedelta(days=730)
NO_CATEGORY = "without a category"


@dataclass(frozen=True)
class Grid:
    """`sites` are the account and at most seven below it; `since` is from when order lines count."""

    sites: Sequence[tuple[int, str]]
    peers: Peers
    rows: Sequence[CategoryRow]
    since: date

    @property
    def gaps(self) -> list[CategoryRow]:
        return [row for row in self.rows if row.is_gap_everywhere]


def read_grid(session: Session, account: Account, *, today: date) -> Grid:
    """The grid of an account: at most 100 peers, so that it takes as long for a large company as for a small one."""
    since = today - SPAN
    sites = _sites(session, account.id)
    own = [site_id for site_id, _name in sites]
    peers = find_peers(session, account, but=own, since=since)
    sums = _sums(session, [*own, *peers.ids], since)
    return Grid(sites, peers, category_rows(sums, sites=own, peers=peers.ids), since)


def _sites(session: Session, account_id: int) -> list[tuple[int, str]]:
    tree = below(account_id)
    query = select(Account.id, Account.name).join(tree, tree.c.id == Account.id)
    query = query.order_by(tree.c.depth, Account.name_key)
    return [(row.id, row.name) for row in session.execute(query.limit(SITES))]


def find_peers(session: Session, account: Account, *, but: Sequence[int], since: date) -> Peers:
    """The 100 accounts of the same industry that are nearest in headcount and have ordered lately; where the industry
    is not known or has fewer than five, of all accounts."""
    if account.industry:
        ids = _nearest(session, account, but, since, Account.industry == account.industry)
        if len(ids) >= FEWEST_PEERS:
            return Peers(ids, f"accounts in {account.industry} nearest in headcount", is_fallback=False)
    ids = _nearest(session, account, but, since, None)
    return Peers(ids, "accounts of every industry, since too few of its own are known", is_fallback=True)


def _nearest(session: Session, account: Account, but: Sequence[int], since: date,
             segment: ColumnElement[bool] | None) -> list[int]:
    """The nearest from above and below over the index of industry and headcount; by id without a headcount."""
    size = account.employees
    orders = exists_since(since)
    base = select(Account.id, func.coalesce(Account.employees, -1).label("size")).where(Account.id.not_in(but), orders)
    if segment is not None:
        base = base.where(segment)
    if size is None:
        return list(session.scalars(base.with_only_columns(Account.id).order_by(Account.id).limit(PEERS)))
    larger = base.where(Account.employees >= size).order_by(Account.employees, Account.id).limit(PEERS)
    smaller = base.where(Account.employees < size).order_by(Account.employees.desc(), Account.id).limit(PEERS)
    unknown = base.where(Account.employees.is_(None)).order_by(Account.id).limit(PEERS)
    both = union_all(*(select(part.subquery()) for part in (larger, smaller, unknown))).subquery()
    far = func.abs(both.c.size - size)
    return list(session.scalars(select(both.c.id).order_by((both.c.size < 0), far, both.c.id).limit(PEERS)))


def exists_since(since: date) -> ColumnElement[bool]:
    """The account has a counted order after the day."""
    own = select(AccountDay.day).where(AccountDay.account_id == Account.id, AccountDay.day > since)
    return own.correlate(Account).exists()


def _lines(account_ids: Sequence[int], since: date) -> Select[Any]:
    return (select().select_from(OrderLine).join(Order, Order.id == OrderLine.order_id)
            .join(Product, Product.id == OrderLine.product_id)
            .where(Order.account_id.in_(account_ids), Order.ordered_on > since, Order.is_cancelled.is_(False)))


def _sums(session: Session, account_ids: Sequence[int], since: date) -> dict[tuple[int, str], float]:
    category = func.coalesce(Product.category, NO_CATEGORY)
    amount = func.sum(type_coerce(OrderLine.amount, BigInteger))
    query = _lines(account_ids, since).add_columns(Order.account_id, category, amount)
    rows = session.execute(query.group_by(Order.account_id, category))
    return {(account_id, name): float(total) / MONEY_SCALE for account_id, name, total in rows}


@dataclass(frozen=True)
class Bought:
    """A product of the category at the site."""

    sku: str
    name: str
    quantity: float
    value: float
    last_on: date


def list_bought(session: Session, site_id: int, category: str, *, since: date) -> list[Bought]:
    """What a site bought of a category, the dearest first."""
    amount = func.sum(type_coerce(OrderLine.amount, BigInteger))
    query = _lines([site_id], since).add_columns(
        Product.sku, Product.name, func.coalesce(func.sum(OrderLine.quantity), 0.0), amount, func.max(Order.ordered_on))
    query = query.where(func.coalesce(Product.category, NO_CATEGORY) == category).group_by(Product.sku, Product.name)
    return [Bought(sku, name, float(quantity), float(total) / MONEY_SCALE, last_on)
            for sku, name, quantity, total, last_on in session.execute(query.order_by(amount.desc()).limit(50))]


def list_offered(session: Session, category: str) -> Sequence[Product]:
    """What we could offer of a category."""
    is_it = Product.category.is_(None) if category == NO_CATEGORY else Product.category == category
    return session.scalars(select(Product).where(is_it).order_by(Product.name).limit(20)).all()
