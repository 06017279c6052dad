"""Files before and after a merge: the old id reaches the survivor, nothing appears twice, undoing restores."""

import csv

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.all_models import metadata
from abm.contacts.models import Contact
from abm.identity.merging import merge_accounts, merge_contacts
from abm.identity.unmerging import unmerge
from abm.imports.mapping import read_mapping
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from abm.orders.models import AccountDay, Order
from core import db
from tests.abm.identity.any_rows import snapshot

HISTORY = ("merge", "audit_entry", "audit_detail", "account_event", "stop_epoch", "account_key", "import_run",
           "account_change", "list_pending")

ACCOUNTS = [
    ["account_id", "name", "domain", "industry", "country", "city", "parent_id", "tier", "segment", "colour"],
    ["A", "Acme GmbH", "acme.de", "Retail", "DE", "Bonn", "", "1", "gold", ""],
    ["B", "ACME", "acme.com", "", "DE", "Köln", "A", "", "", "red"],
    ["B1", "Acme Lager", "", "", "DE", "", "B", "", "", ""],
    ["C", "Other", "", "", "FR", "", "", "", "", ""],
]
CONTACTS = [["contact_id", "account_id", "first_name", "last_name", "email", "title", "lawful_basis"],
            ["P1", "A", "Ann", "Lee", "ann@acme.de", "", "consent"],
            ["P2", "B", "Ann", "Lee", "ann.lee@acme.com", "Buyer", "none"],
            ["P3", "B", "Bob", "Ray", "bob@acme.com", "", "legitimate_interest"]]
ORDERS = [["order_id", "account_id", "ordered_on", "amount", "margin"],
          ["O1", "A", "2026-01-05", "100", "10"], ["O2", "B", "2026-01-05", "50", "5"],
          ["O3", "B", "2026-02-01", "70", "7"]]


@pytest.fixture
def bring(tmp_path, database):
    def do(kind, rows, **changes):
        path = tmp_path / f"{kind}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        mapping = read_mapping("custom: all" if kind == "accounts" else "", find_importer(kind).layout)
        return bring_in(Task(kind, path, tmp_path / "rejects.csv", mapping=mapping))

    return do


def bring_all(bring):
    return [bring("accounts", ACCOUNTS), bring("contacts", CONTACTS), bring("orders", ORDERS)]


def ids(session, *external):
    return [session.scalar(select(Account.id).where(Account.external_id == one)) for one in external]


def merged(keep="A", drop="B", **choices):
    with db.transaction() as session:
        kept, dropped = ids(session, keep, drop)
        return merge_accounts(session, keep_id=kept, drop_id=dropped, choices=choices).id


def whole():
    with db.reading() as session:
        return snapshot(session, metadata, but=HISTORY)


@pytest.mark.parametrize("choices", [{}, {"name": "drop", "city": "drop", "parent": "drop", "custom.colour": "drop"}])
def test_import_merge_import_again_changes_nothing_and_unmerge_restores_everything(bring, choices):
    bring_all(bring)
    before = whole()
    merge_id = merged(**choices)
    after = whole()
    reports = bring_all(bring)
    assert [(one.created, one.updated, one.rejected) for one in reports] == [(0, 0, 0)] * 3
    assert [one.unchanged for one in reports] == [4, 3, 3]
    assert whole() == after
    with db.transaction() as session:
        unmerge(session, merge_id=merge_id)
    assert whole() == before
    assert [(one.created, one.updated) for one in bring_all(bring)] == [(0, 0)] * 3


def test_everything_stands_under_the_kept_account_and_its_days_are_added_up(bring):
    bring_all(bring)
    merged()
    with db.reading() as session:
        (kept,) = ids(session, "A")
        assert session.scalar(select(func.count()).where(Contact.account_id == kept)) == 3
        days = session.execute(select(AccountDay.orders, AccountDay.amount, AccountDay.margin_amount)
                               .where(AccountDay.account_id == kept).order_by(AccountDay.day)).all()
        assert [tuple(map(float, row)) for row in days] == [(2, 150, 15), (1, 70, 7)]
        assert session.scalar(select(Account.parent_id).where(Account.external_id == "B1")) == kept


def test_gaps_are_filled_and_what_differs_follows_the_choice(bring):
    bring_all(bring)
    merged(city="drop")
    with db.reading() as session:
        kept = find_account_by_external_id(session, "B")
        assert (kept.external_id, kept.name, kept.domain, kept.city) == ("A", "Acme GmbH", "acme.de", "Köln")
        assert kept.custom == {"segment": "gold", "colour": "red"}
        assert kept.parent_id is None


def test_a_change_at_the_source_arrives_from_the_row_that_was_chosen(bring):
    bring_all(bring)
    merged(city="drop")
    changed = [list(row) for row in ACCOUNTS]
    changed[1][5], changed[2][5], changed[2][1] = "Berlin", "Hamburg", "ACME Holding"
    report = bring("accounts", changed)
    with db.reading() as session:
        kept = find_account_by_external_id(session, "A")
        assert (kept.city, kept.name) == ("Hamburg", "Acme GmbH")
    assert (report.created, report.updated) == (0, 1)


def test_orders_and_people_that_come_later_under_the_old_id_reach_the_kept_account(bring):
    bring_all(bring)
    merged()
    bring("orders", [ORDERS[0], ["O9", "B", "2026-03-01", "5", "1"]])
    bring("contacts", [CONTACTS[0], ["P9", "B", "Zoe", "Kim", "zoe@acme.com", "", ""]])
    bring("accounts", [["account_id", "name", "parent_id"], ["B2", "Acme Werk", "B"]])
    with db.reading() as session:
        (kept,) = ids(session, "A")
        assert session.scalar(select(Order.account_id).where(Order.external_id == "O9")) == kept
        assert session.scalar(select(Contact.account_id).where(Contact.external_id == "P9")) == kept
        assert session.scalar(select(Account.parent_id).where(Account.external_id == "B2")) == kept


def test_a_chain_of_merges_is_undone_from_the_last_one(bring):
    bring_all(bring)
    before = whole()
    first = merged("B", "C", name="drop")
    second = merged("A", "B", name="drop")
    after = whole()
    assert [(one.created, one.updated) for one in bring_all(bring)] == [(0, 0)] * 3
    assert whole() == after
    with db.transaction() as session:
        unmerge(session, merge_id=second)
    with db.transaction() as session:
        unmerge(session, merge_id=first)
    assert whole() == before


def test_two_records_of_a_person_become_one_with_the_stricter_basis_and_imports_keep_it(bring):
    bring_all(bring)
    merged()
    before = whole()
    with db.transaction() as session:
        one, two = (session.scalar(select(Contact.id).where(Contact.external_id == name)) for name in ("P1", "P2"))
        merge_id = merge_contacts(session, keep_id=one, drop_id=two).id
    after = whole()
    with db.reading() as session:
        kept = session.get(Contact, one)
        assert (kept.lawful_basis, kept.title, kept.email) == ("none", "Buyer", "ann@acme.de")
    assert [(one.created, one.updated, one.rejected) for one in bring_all(bring)] == [(0, 0, 0)] * 3
    assert whole() == after
    with db.transaction() as session:
        unmerge(session, merge_id=merge_id)
    assert whole() == before
