"""Reading orders and their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Select, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.orders.models import Order, OrderLine
from abm.web.keyset import Order as Sorting
from core.errors import NotFound

_SORTS: dict[str, Any] = {
    "ordered_on": Order.ordered_on,
    "amount": type_coerce(Order.amount, BigInteger),
    "order": Order.external_id,
}
STATES = (("counted", "Counted"), ("cancelled", "Cancelled"))


@dataclass(frozen=True)
class OrderListing:
    """What somebody looks for in the table of orders."""

    text: str = ""
    since: date | None = None
    until: date | None = None
    state: str = ""
    account_id: int | None = None
    sort: str = "ordered_on"
    is_descending: bool = True


def count_without_margin(session: Session, *, since: date | None, until: date | None) -> tuple[int, int]:
    """(counted orders whose margin nobody wrote down, all counted orders) from one day to another, both included."""
    query = select(func.count().filter(Order.margin_amount.is_(None)), func.count()).where(
        Order.is_cancelled.is_(False), type_coerce(Order.amount, BigInteger) > 0)
    if since:
        query = query.where(Order.ordered_on >= since)
    if until:
        query = query.where(Order.ordered_on <= until)
    without, counted = session.execute(query).one()
    return without, counted


def read_order_listing(arguments: Mapping[str, str]) -> OrderListing:
    """From an address; what cannot be understood is left out."""
    wanted = arguments.get("sort", "-ordered_on")
    name = wanted.removeprefix("-")
    account = arguments.get("account_id", "")
    state = arguments.get("state", "")
    return OrderListing(
        text=arguments.get("q", "").strip()[:200],
        since=_day(arguments.get("since", "")),
        until=_day(arguments.get("until", "")),
        state=state if state in dict(STATES) else "",
        account_id=int(account) if account.isdecimal() and len(account) < 18 else None,
        sort=name if name in _SORTS else "ordered_on",
        is_descending=wanted.startswith("-") or name not in _SORTS,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def order_listing_arguments(listing: OrderListing) -> dict[str, str]:
    """The address's arguments of a listing."""
    kept = {
        "q": listing.text,
        "since": listing.since.isoformat() if listing.since else "",
        "until": listing.until.isoformat() if listing.until else "",
        "state": listing.state,
        "account_id": str(listing.account_id or ""),
        "sort": ("-" if listing.is_descending else "") + listing.sort,
    }
    return {name: value for name, value in kept.items() if value}


def select_orders(listing: OrderListing) -> Select[*tuple[Any, ...]]:
    """Order and account name of every order that fits; unsorted."""
    query: Select[*tuple[Any, ...]] = select(Order, Account.name, Account.external_id).join(
        Account, Account.id == Order.account_id
    )
    if listing.text:
        query = query.where(
            or_(
                *(
                    part.icontains(listing.text, autoescape=True)
                    for part in (Order.external_id, Account.name, Account.external_id)
                )
            )
        )
    if listing.since:
        query = query.where(Order.ordered_on >= listing.since)
    if listing.until:
        query = query.where(Order.ordered_on <= listing.until)
    if listing.state:
        query = query.where(Order.is_cancelled.is_(listing.state == "cancelled"))
    if listing.account_id is not None:
        query = query.where(Order.account_id == listing.account_id)
    return query


def order_sorting(listing: OrderListing) -> Sorting:
    return Sorting(_SORTS[listing.sort], Order.id, listing.is_descending, is_nullable=False)


def get_order(session: Session, order_id: int) -> Order:
    """An order by our id. Raises NotFound."""
    order = session.get(Order, order_id)
    if order is None:
        raise NotFound("There is no such order")
    return order


def find_order_by_external_id(session: Session, external_id: str) -> Order | None:
    return session.scalars(select(Order).where(Order.external_id == external_id)).first()


def list_orders_of(session: Session, account_id: int, *, limit: int = 10) -> Sequence[Order]:
    """An account's latest orders, newest first, cancelled ones too."""
    query = select(Order).where(Order.account_id == account_id).order_by(Order.ordered_on.desc(), Order.id.desc())
    return session.scalars(query.limit(limit)).all()


def count_orders_of(session: Session, account_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Order).where(Order.account_id == account_id)) or 0


def list_lines(session: Session, order_id: int) -> Sequence[tuple[OrderLine, Product]]:
    """An order's lines with their products, in the order in which they came."""
    query = select(OrderLine, Product).join(Product, Product.id == OrderLine.product_id)
    return session.execute(query.where(OrderLine.order_id == order_id).order_by(OrderLine.id)).all()
