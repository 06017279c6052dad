"""The table of products."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.catalogue.actions import KNOWLEDGE, describe_product
from abm.catalogue.queries import (
    get_product,
    list_categories,
    product_listing_arguments,
    product_sorting,
    read_product_listing,
    select_products,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission

pages = Blueprint("catalogue", __name__)


@pages.get("/products")
@requires(Permission.SEE)
def index() -> str:
    listing = read_product_listing(request.args)
    query, order = select_products(listing), product_sorting(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template(
        "catalogue/index.html",
        page=page,
        listing=listing,
        kept=product_listing_arguments(listing),
        categories=list_categories(g.session),
        count=count_text(g.session, query, "product", "products"),
    )


@exports(pages, "/products/export")
def export() -> Table:
    return Table("products", columns=("sku", "name", "category", "price", "currency", "available"), rows=_exported())


def _exported() -> Iterator[Sequence[Any]]:
    rows = g.session.scalars(
        select_products(read_product_listing(request.args)), execution_options={"yield_per": 5_000}
    )
    for product in rows:
        yield [
            product.sku,
            product.name,
            product.category,
            product.price_amount,
            product.currency,
            product.is_available,
        ]


@pages.get("/products/<int:product_id>")
@requires(Permission.SEE)
def show(product_id: int) -> str:
    product = get_product(g.session, product_id)
    return render_template("catalogue/show.html", product=product, typed=product.__dict__, errors={})


@pages.post("/products/<int:product_id>")
@requires(Permission.EDIT_ACCOUNTS)
def describe(product_id: int) -> str | Response | tuple[str, int]:
    texts = {name: request.form.get(name, "").replace("\x00", "").replace("\r\n", "\n").strip() for name in KNOWLEDGE}
    errors = {name: f"At most {limit:,} characters" for name, limit in KNOWLEDGE.items() if len(texts[name]) > limit}
    if errors:
        product = get_product(g.session, product_id)
        return render_template("catalogue/show.html", product=product, typed=texts, errors=errors), 422
    describe_product(g.session, product_id=product_id, values={name: text or None for name, text in texts.items()})
    flash("Saved", "success")
    return redirect(url_for("catalogue.show", product_id=product_id))
