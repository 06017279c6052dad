"""Products from a file."""

from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.orm import Session

from abm.catalogue.models import Product
from abm.imports.columns import Batch
from abm.imports.layout import Field, Layout
from abm.imports.merging import Counts, Upsert, merge_all
from abm.imports.money import settle_currency
from abm.imports.registry import Run
from abm.imports.staging import Stage
from abm.imports.values import parse_amount, parse_flag

_PRODUCT = cast(Table, Product.__table__)

LAYOUT = Layout(
    kind="products",
    fields=(
        Field("sku", hint="the source system's own id"),
        Field("name", limit=300),
        Field("category"),
        Field("price", parse_amount, is_number=True),
        Field("currency", limit=20),
        Field("available", parse_flag, hint="yes or no"),
    ),
    required=("sku", "name"),
)
_STORED = {"name": "name", "category": "category", "price": "price_amount", "available": "is_available"}


class ProductImporter:
    """Products by `sku`."""

    layout = LAYOUT

    def make_stage(self) -> Stage:
        own = {"sku", "currency", *_STORED.values()}
        return Stage(
            [Column(column.name, column.type) for column in _PRODUCT.columns if column.name in own], key=["sku"]
        )

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        settle_currency(batch, run)
        for name, stored in _STORED.items():
            if name in batch.columns:
                batch.columns[stored] = batch.columns.pop(name)

    def merge(self, stage: Stage, run: Run) -> Counts:
        rows = stage.rows.c
        sets: dict[str, ColumnElement[Any]] = {
            stored: rows[stored] for name, stored in _STORED.items() if name in run.present
        }
        if "price" in run.present:
            sets["currency"] = rows.currency
        upsert = Upsert(
            _PRODUCT,
            key={"sku": rows.sku},
            sets=sets,
            on_create={"created_at": run.moment},
            on_change={"updated_at": run.moment},
        )
        return merge_all(stage, upsert, is_dry_run=run.is_dry_run, progress=run.progress)
