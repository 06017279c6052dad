"""Orders from a file."""

from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Table, select
from sqlalchemy.orm import Session

from abm.accounts.aliases import account_lookup
from abm.imports.columns import Batch
from abm.imports.layout import Field, Layout
from abm.imports.merging import Counts, Slice, Upsert, merge_all
from abm.imports.money import settle_currency
from abm.imports.registry import Run
from abm.imports.staging import Stage
from abm.imports.values import parse_amount, parse_date
from abm.orders.account_days import add_new_orders, days_of, drop_empty_days, refresh_account_days
from abm.orders.counting import is_cancelled
from abm.orders.models import Order

_ORDER = cast(Table, Order.__table__)

LAYOUT = Layout(
    kind="orders",
    fields=(
        Field("order_id", hint="the source system's own id"),
        Field("account_id", hint="an account that is there already"),
        Field("ordered_on", parse_date, hint="1997-04-03"),
        Field("amount", parse_amount, is_number=True),
        Field("currency", limit=20),
        Field("margin", parse_amount, is_number=True),
        Field("status", limit=40, hint="cancelled, canceled, void and refunded do not count"),
    ),
    required=("order_id", "account_id", "ordered_on", "amount"),
)


class OrderImporter:
    """Orders by `order_id`; the rollup by account and day is kept up to date in the same transactions."""

    layout = LAYOUT

    def __init__(self) -> None:
        self._accounts = account_lookup()

    def make_stage(self) -> Stage:
        own = {
            "external_id",
            "account_id",
            "ordered_on",
            "amount",
            "currency",
            "margin_amount",
            "status",
            "is_cancelled",
        }
        return Stage(
            [Column(column.name, column.type) for column in _ORDER.columns if column.name in own],
            key=["external_id"],
            near="account_id",
        )

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        columns = batch.columns
        columns["external_id"] = columns.pop("order_id")
        settle_currency(batch, run)
        if "margin" in columns:
            columns["margin_amount"] = columns.pop("margin")
        cancelled = {status: is_cancelled(status) for status in set(columns.get("status", []))}
        columns["is_cancelled"] = [cancelled[status] for status in columns.get("status", [])] or [False] * len(
            batch.raw.rows
        )
        outside = columns["account_id"]
        known = self._accounts.find(session, outside)
        columns["account_id"] = list(map(known.get, outside))
        if None in columns["account_id"]:
            for index, account in enumerate(outside):
                if account not in known:
                    batch.refuse(index, "account_id", f"there is no account {account!r}; import the accounts first")

    def merge(self, stage: Stage, run: Run) -> Counts:
        upsert = _upsert(stage, run)

        def keep_days(session: Session, piece: Slice) -> None:
            if piece.are_all_new:
                piece.merge()
                add_new_orders(session, stage.rows, piece.within)
                return
            left = _days_left(session, stage, upsert, piece.within) if piece.counts.updated else []
            piece.merge()
            _refresh(session, stage, piece.within, left)

        return merge_all(stage, upsert, is_dry_run=run.is_dry_run, progress=run.progress, around=keep_days)


def _upsert(stage: Stage, run: Run) -> Upsert:
    rows = stage.rows.c
    sets: dict[str, ColumnElement[Any]] = {
        name: rows[name] for name in ("account_id", "ordered_on", "amount", "currency")
    }
    first: dict[str, Any] = {"created_at": run.moment}
    (sets if "margin" in run.present else first)["margin_amount"] = rows.margin_amount
    for name in ("status", "is_cancelled"):
        (sets if "status" in run.present else first)[name] = rows[name]
    return Upsert(
        _ORDER, key={"external_id": rows.external_id}, sets=sets, on_create=first, on_change={"updated_at": run.moment}
    )


def _days_left(session: Session, stage: Stage, upsert: Upsert, within: ColumnElement[bool]) -> list[tuple[int, Any]]:
    """The account and day of known orders that this slice changes, as they were: an order may move to another day."""
    changed = (
        select(_ORDER.c.account_id, _ORDER.c.ordered_on)
        .join(stage.rows, upsert.matches())
        .where(within, upsert.differs())
        .distinct()
    )
    return [(account_id, day) for account_id, day in session.execute(changed)]


def _refresh(session: Session, stage: Stage, within: ColumnElement[bool], left: list[tuple[int, Any]]) -> None:
    rows = stage.rows.c
    now = select(rows.account_id.label("account_id"), rows.ordered_on.label("day")).where(within).distinct()
    refresh_account_days(session, now)
    if left:
        for touched in days_of(left):
            refresh_account_days(session, touched)
            drop_empty_days(session, touched)
