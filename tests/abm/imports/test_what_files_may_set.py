"""A file sets exactly the canonical columns: each other column of the tables, and names that sound like rights, proof
or stops, is tried as a column of a file, as a custom field and as the target of a mapping."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from abm.accounts.models import Account
from abm.all_models import metadata
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.imports.mapping import mapping_from
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from abm.orders.models import Order, OrderLine
from core import db
from core.errors import InvalidInput
from tests.factories import make_account, make_contact, make_order, make_user

TABLES: dict[str, Any] = {"accounts": Account, "contacts": Contact, "products": Product, "orders": Order,
                          "order-lines": OrderLine}
ROWS = {"accounts": {"account_id": "A1", "name": "Acme"},
        "contacts": {"contact_id": "C1", "account_id": "A1", "email": "a@example.com"},
        "products": {"sku": "S1", "name": "Bolt"},
        "orders": {"order_id": "O1", "account_id": "A1", "ordered_on": "2024-01-02", "amount": "5"},
        "order-lines": {"order_id": "O1", "sku": "S1", "amount": "5"}}
SOUNDING = {"id", "owner_id", "role", "roles", "permissions", "suppressed", "suppression", "unsubscribed", "opt_out",
            "double_opt_in", "confirmed_at", "confirmed_ip", "consent_proof", "proof", "withdrawn_at", "password",
            "locked_until", "do_not_call", "held_out", "__class__", "_row", "_error"}


def forbidden(kind: str) -> list[str]:
    """Every column of every table that is none of the kind's own, and what sounds as if it had a power."""
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    return sorted((columns | SOUNDING) - set(find_importer(kind).layout.names))


def prepared() -> None:
    with db.transaction() as session:
        make_user(session, email="boss@example.com")
        account = make_account(session, external_id="A1", name="Acme")
        make_contact(session, account, external_id="C1", email="a@example.com")
        make_order(session, account, on=date(2024, 1, 2), external_id="O1", amount="5")
        session.add(Product(sku="S1", name="Bolt", created_at=account.created_at, updated_at=account.created_at))


def stored(kind: str) -> list[dict[str, Any]]:
    table: Table = TABLES[kind].__table__
    with db.reading() as session:
        return [{name: value for name, value in row.items() if name not in ("updated_at", "custom")}
                for row in session.execute(select(table).order_by(table.c.id)).mappings()]


def bring(kind: str, folder: Path, more: dict[str, str], mapping: dict[str, Any] | None = None) -> None:
    path, row = folder / "file.csv", {**ROWS[kind], **more}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row.keys(), row.values()])
    bring_in(Task(kind=kind, path=path, rejects=folder / "rejects.csv",
                  mapping=mapping_from(mapping or {}, find_importer(kind).layout)))


@pytest.mark.parametrize("kind", TABLES)
def test_no_other_column_of_a_file_sets_anything(kind: str, tmp_path: Path, database: Path) -> None:
    prepared()
    bring(kind, tmp_path, {})
    before, names = stored(kind), forbidden(kind)
    takes_custom = find_importer(kind).layout.takes_custom
    for start in range(0, len(names), 150):
        some = dict.fromkeys(names[start:start + 150], "1")
        bring(kind, tmp_path, some)
        if takes_custom:
            bring(kind, tmp_path, some, {"custom": "all"})
    assert len(names) > 200
    assert stored(kind) == before


@pytest.mark.parametrize("kind", TABLES)
def test_no_mapping_leads_to_another_column(kind: str) -> None:
    layout, taken = find_importer(kind).layout, []
    for name in forbidden(kind):
        for mapping in ({"columns": {name: "x"}}, {"constant": {name: "1"}}, {"split": {"x": [name, name]}}):
            try:
                mapping_from(mapping, layout)
            except InvalidInput:
                continue
            taken.append((name, mapping))
    assert taken == []
