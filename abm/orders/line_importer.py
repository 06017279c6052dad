"""Order lines from a file."""

from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, String, Table, func, literal, select, update
from sqlalchemy import cast as cast_to_text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.catalogue.models import Product
from abm.imports.columns import Batch
from abm.imports.layout import Field, Layout
from abm.imports.lookups import Lookup
from abm.imports.merging import Counts, Slice, Upsert, merge_all
from abm.imports.registry import Run
from abm.imports.staging import Stage
from abm.imports.values import BadValue, parse_amount, parse_number, parse_share, scaled_amount
from abm.orders.account_days import refresh_account_days
from abm.orders.models import Order, OrderLine
from core.db import MONEY_SCALE

_LINE = cast(Table, OrderLine.__table__)
_ORDER = cast(Table, Order.__table__)
_PRODUCT = cast(Table, Product.__table__)

# Stands before the row number in the key of a line that has no number of its own, until the whole file is there.
_UNNUMBERED = "\x01"


def _quantity(text: str, *, comma_is_decimal: bool = False) -> float:
    return float(parse_number(text, comma_is_decimal=comma_is_decimal))


LAYOUT = Layout(
    kind="order-lines",
    fields=(
        Field("order_id", hint="an order that is there already"),
        Field("line", hint="the line's number in its order"),
        Field("sku", hint="products that are not known are created"),
        Field("product", limit=300),
        Field("category"),
        Field("quantity", _quantity, is_number=True),
        Field("unit_price", parse_amount, is_number=True),
        Field("discount", parse_share, is_number=True, hint="0.15 or 15%"),
        Field("amount", parse_amount, is_number=True),
    ),
    required=("order_id", "sku"),
    one_of=(("amount",), ("quantity", "unit_price")),
)


def _line_amount(price: int, quantity: float, discount: float | None) -> int:
    """Ten-thousandths: quantity times price, less the discount (a share)."""
    share = 1 - Decimal(str(discount or 0))
    return scaled_amount(Decimal(price) / MONEY_SCALE * Decimal(str(quantity)) * share)


class _LineStage(Stage):
    """Lines without a number get their key (`sku#occurrence` in the order) once all of them are there."""

    def finish_loading(self) -> None:
        rows = self.rows
        unnumbered = func.substr(rows.c.line_key, 1, 1) == _UNNUMBERED
        occurrence = func.row_number().over(partition_by=[rows.c.order_id, rows.c.sku], order_by=rows.c.row_number)
        named = (
            select(rows.c.position, (rows.c.sku + "#" + cast_to_text(occurrence, String)).label("key"))
            .where(unnumbered)
            .subquery()
        )
        with self.preparing() as session:
            session.execute(update(rows).where(rows.c.position == named.c.position).values(line_key=named.c.key))
        super().finish_loading()


class OrderLineImporter:
    """Lines by order and `line`, else by order, sku and occurrence. They do not change the order's amount."""

    layout = LAYOUT

    def __init__(self) -> None:
        self._orders = Lookup(Order.external_id, Order.id)

    def make_stage(self) -> Stage:
        columns = [
            Column(name, _LINE.c[name].type)
            for name in ("order_id", "line_key", "quantity", "unit_price_amount", "discount", "amount")
        ]
        return _LineStage(
            [*columns, Column("sku", String), Column("product", String), Column("category", String)],
            key=["order_id", "line_key"],
        )

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        columns = batch.columns
        empty = [None] * len(batch.raw.rows)
        if "unit_price" in columns:
            columns["unit_price_amount"] = columns.pop("unit_price")
        lines = columns.pop("line", empty)
        columns["line_key"] = [
            line or f"{_UNNUMBERED}{row}" for line, row in zip(lines, batch.raw.numbers, strict=True)
        ]
        outside = columns["order_id"]
        known = self._orders.find(session, outside)
        columns["order_id"] = list(map(known.get, outside))
        for index, order in enumerate(outside):
            if order not in known:
                batch.refuse(index, "order_id", f"there is no order {order!r}; import the orders first")
        if None in columns.setdefault("amount", list(empty)):
            self._compute_amounts(batch)

    @staticmethod
    def _compute_amounts(batch: Batch) -> None:
        """Quantity times price, less the discount, where a line does not say its amount."""
        columns, amounts = batch.columns, batch.columns["amount"]
        discounts = columns.get("discount", [None] * len(amounts))
        for index, amount in enumerate(amounts):
            if amount is None and index not in batch.errors:
                price, quantity = columns["unit_price_amount"][index], columns["quantity"][index]
                try:
                    amounts[index] = _line_amount(price, quantity, discounts[index])
                except BadValue as error:
                    batch.refuse(index, "quantity", str(error))

    def merge(self, stage: Stage, run: Run) -> Counts:
        _create_products(stage, run)
        upsert = _upsert(stage)

        def keep_units(session: Session, piece: Slice) -> None:
            piece.merge()
            touched = (
                select(_ORDER.c.account_id.label("account_id"), _ORDER.c.ordered_on.label("day"))
                .join(stage.rows, stage.rows.c.order_id == _ORDER.c.id)
                .where(piece.within)
                .distinct()
            )
            refresh_account_days(session, touched)

        return merge_all(stage, upsert, is_dry_run=run.is_dry_run, progress=run.progress, around=keep_units)


def _upsert(stage: Stage) -> Upsert:
    rows = stage.rows.c
    product = select(_PRODUCT.c.id).where(_PRODUCT.c.sku == rows.sku).correlate(stage.rows).scalar_subquery()
    sets: dict[str, ColumnElement[Any]] = {
        "product_id": product,
        "quantity": rows.quantity,
        "unit_price_amount": rows.unit_price_amount,
        "discount": rows.discount,
        "amount": rows.amount,
    }
    return Upsert(_LINE, key={"order_id": rows.order_id, "line_key": rows.line_key}, sets=sets)


def _create_products(stage: Stage, run: Run) -> None:
    """Products that only the lines know, named as the lines name them."""
    if run.is_dry_run:
        return
    rows = stage.rows.c
    moment = literal(run.moment, _PRODUCT.c.created_at.type)
    unknown = (
        select(rows.sku, func.coalesce(func.max(rows.product), rows.sku), func.max(rows.category), moment, moment)
        .where(~select(_PRODUCT.c.id).where(_PRODUCT.c.sku == rows.sku).exists())
        .group_by(rows.sku)
    )
    insert = (postgres_insert if stage.is_postgres else sqlite_insert)(_PRODUCT)
    names = ["sku", "name", "category", "created_at", "updated_at"]
    with stage.merging() as session:
        session.connection().execute(
            insert.from_select(names, unknown, include_defaults=False).on_conflict_do_nothing(index_elements=["sku"])
        )
