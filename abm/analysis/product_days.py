"""What each product brought on each day, from the lines of the counted orders (not cancelled, above zero).

Revenue: the lines' amounts. Margin: the order's margin, split by the lines' share of the order's lines. Orders:
distinct orders with the product. Units: quantities.
"""

from sqlalchemy import select

from abm.analysis.reading import Statement
from abm.catalogue.models import Product

NAMES = select(Product.id, Product.sku, Product.name)

_SUMS = {
    "amount": "sum(l.amount)",
    "margin_amount": "sum(CASE WHEN t.total <> 0 THEN o.margin_amount * 1.0 * l.amount / t.total ELSE 0 END)",
    "orders": "count(DISTINCT o.id)",
    "units": "sum(coalesce(l.quantity, 0))",
}
_TOTALS = "JOIN (SELECT order_id, sum(amount) AS total FROM order_line GROUP BY order_id) t ON t.order_id = o.id"


def select_product_days(column: str, conditions: list[str]) -> Statement:
    """One row per product and day with orders; `column` as the rollup of accounts calls it."""
    where = " AND ".join(["NOT o.is_cancelled", "o.amount > 0", *conditions])
    totals = _TOTALS if column == "margin_amount" else ""
    value = _SUMS[column]
    if column != "units":
        value = f"cast(round(coalesce({value}, 0)) AS bigint)"
    # every part is one of our own words or an ISO day
    columns = f"l.product_id AS product_id, o.ordered_on AS day, count(DISTINCT o.id) AS orders, {value} AS value"
    tables = f"order_line l JOIN customer_order o ON o.id = l.order_id {totals}"
    rows = f"(SELECT {columns} FROM {tables} WHERE {where} GROUP BY l.product_id, o.ordered_on) p"  # noqa: S608
    return Statement("product_id", "day", "value", rows, column != "units")
