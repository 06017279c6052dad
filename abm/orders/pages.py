"""The table of orders, one order with its lines, and the orders panel of the account page."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, g, render_template, request
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.accounts.queries import get_account
from abm.orders.queries import (
    STATES,
    count_orders_of,
    get_order,
    list_lines,
    list_orders_of,
    order_listing_arguments,
    order_sorting,
    read_order_listing,
    select_orders,
)
from abm.orders.timeline import add_timeline
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission

pages = Blueprint("orders", __name__)


@pages.get("/orders")
@requires(Permission.SEE)
def index() -> str:
    listing = read_order_listing(request.args)
    query, order = select_orders(listing), order_sorting(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    account = get_account(g.session, listing.account_id) if listing.account_id is not None else None
    return render_template(
        "orders/index.html",
        page=page,
        listing=listing,
        kept=order_listing_arguments(listing),
        states=STATES,
        account=account,
        count=count_text(g.session, query, "order", "orders"),
    )


@exports(pages, "/orders/export")
def export() -> Table:
    columns = ("order_id", "account_id", "ordered_on", "amount", "currency", "margin", "status")
    return Table("orders", columns=columns, rows=_exported())


def _exported() -> Iterator[Sequence[Any]]:
    listing = read_order_listing(request.args)
    rows = g.session.execute(select_orders(listing), execution_options={"yield_per": 5_000})
    for order, _name, account_id in rows:
        yield [
            order.external_id,
            account_id,
            order.ordered_on,
            order.amount,
            order.currency,
            order.margin_amount,
            order.status,
        ]


@pages.get("/orders/<int:order_id>")
@requires(Permission.SEE)
def show(order_id: int) -> str:
    order = get_order(g.session, order_id)
    lines = list_lines(g.session, order_id)
    return render_template(
        "orders/show.html",
        order=order,
        lines=lines,
        account=get_account(g.session, order.account_id),
        line_total=sum(line.amount for line, _product in lines),
    )


@exports(pages, "/orders/<int:order_id>/lines")
def export_lines(order_id: int) -> Table:
    order = get_order(g.session, order_id)
    rows = ((order.external_id, line.line_key, product.sku, product.name, product.category, line.quantity,
             line.unit_price_amount, line.discount, line.amount) for line, product in list_lines(g.session, order_id))
    return Table(f"order-{order.external_id}", columns=("order_id", "line", "sku", "product", "category", "quantity",
                                                        "unit_price", "discount", "amount"), rows=rows)


def orders_panel(session: Session, account: Account) -> str:
    """The account's latest orders."""
    orders = list_orders_of(session, account.id)
    return (
        render_template(
            "orders/_panel.html", orders=orders, account=account, count=count_orders_of(session, account.id)
        )
        if orders
        else ""
    )


register_panel("Orders", 30, orders_panel, part="orders")
add_timeline()
