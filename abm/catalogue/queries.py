"""Reading products."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, or_, select, type_coerce
from sqlalchemy.orm import Session

from abm.catalogue.models import Product
from abm.web.keyset import Order
from core.errors import NotFound

_SORTS: dict[str, Any] = {
    "name": Product.name,
    "sku": Product.sku,
    "category": Product.category,
    "price": type_coerce(Product.price_amount, BigInteger),
}


@dataclass(frozen=True)
class ProductListing:
    text: str = ""
    category: str = ""
    sort: str = "name"
    is_descending: bool = False


def read_product_listing(arguments: Mapping[str, str]) -> ProductListing:
    """From an address; what cannot be understood is left out."""
    wanted = arguments.get("sort", "name")
    name = wanted.removeprefix("-")
    return ProductListing(
        arguments.get("q", "").strip()[:200],
        arguments.get("category", "")[:200],
        name if name in _SORTS else "name",
        name in _SORTS and wanted.startswith("-"),
    )


def product_listing_arguments(listing: ProductListing) -> dict[str, str]:
    kept = {
        "q": listing.text,
        "category": listing.category,
        "sort": ("-" if listing.is_descending else "") + listing.sort,
    }
    return {name: value for name, value in kept.items() if value}


def select_products(listing: ProductListing) -> Select[*tuple[Any, ...]]:
    """Every product that fits; unsorted."""
    query: Select[*tuple[Any, ...]] = select(Product)
    if listing.text:
        query = query.where(
            or_(
                *(
                    part.icontains(listing.text, autoescape=True)
                    for part in (Product.sku, Product.name, Product.category)
                )
            )
        )
    return query.where(Product.category == listing.category) if listing.category else query


def product_sorting(listing: ProductListing) -> Order:
    return Order(
        _SORTS[listing.sort], Product.id, listing.is_descending, is_nullable=listing.sort in ("category", "price")
    )


def list_categories(session: Session) -> list[tuple[str, str]]:
    query = select(Product.category).where(Product.category.is_not(None)).distinct().order_by(Product.category)
    return [(name, name) for name in session.scalars(query.limit(200)) if name]


def get_product(session: Session, product_id: int) -> Product:
    """A product by our id. Raises NotFound."""
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("There is no such product")
    return product


def find_product_by_sku(session: Session, sku: str) -> Product | None:
    return session.scalars(select(Product).where(Product.sku == sku)).first()
