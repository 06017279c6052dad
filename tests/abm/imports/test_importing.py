"""From a file to rows, through the real database."""

import csv
import json
import resource
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.imports.tables import ReadingOptions
from abm.orders.models import AccountDay, Order, OrderLine
from campaigns.keys import address_key
from campaigns.models import ConsentEvent, Suppression
from core import clock, db
from core.errors import Refused
from tests.abm.imports.files import CRM, FILES, NORTHWIND, counts, import_file, import_text
from tests.factories import make_account, make_contact, make_order, make_user

ACCOUNTS = "account_id,name\nA1,Acme\nA2,Beta\n"


def all_of(query):  # type: ignore[no-untyped-def]
    with db.reading() as session:
        return session.execute(query).all()


def scalar(query):  # type: ignore[no-untyped-def]
    with db.reading() as session:
        return session.scalar(query)


@pytest.fixture
def northwind(database: Path) -> Path:
    for kind, name in (
        ("accounts", "accounts"),
        ("contacts", "contacts"),
        ("products", "order_lines"),
        ("orders", "orders"),
        ("order-lines", "order_lines"),
    ):
        import_file(kind, NORTHWIND / f"{name}.csv", mapping=f"northwind-{kind}")
    return database


def test_northwind_gives_its_known_facts(northwind: Path) -> None:
    assert all_of(
        select(func.count(), func.sum(AccountDay.amount), func.sum(AccountDay.orders), func.sum(AccountDay.units))
    ) == [(823, Decimal("1265793.0409"), 830, 51317.0)]


def test_northwind_brings_every_row_of_every_kind(northwind: Path) -> None:
    found = [scalar(select(func.count()).select_from(table)) for table in (Account, Contact, Product, Order, OrderLine)]
    assert found == [91, 91, 77, 830, 2155]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("accounts", "accounts"),
        ("contacts", "contacts"),
        ("products", "order_lines"),
        ("orders", "orders"),
        ("order-lines", "order_lines"),
    ],
)
def test_a_second_import_changes_nothing(northwind: Path, kind: str, name: str) -> None:
    report = import_file(kind, NORTHWIND / f"{name}.csv", mapping=f"northwind-{kind}")
    assert counts(report) == (0, 0, report.read, 0)


def test_the_crm_set_gives_its_known_facts(database: Path) -> None:
    accounts = import_file("accounts", CRM / "accounts.csv", mapping="crm-accounts")
    orders = import_file("orders", CRM / "orders.csv", mapping="crm-orders")
    assert (accounts.created, orders.created, scalar(select(func.sum(Order.amount)))) == (85, 4238, Decimal(10005534))


def test_millions_become_units_and_typing_errors_in_countries_are_kept_with_a_warning(database: Path) -> None:
    report = import_file("accounts", CRM / "accounts.csv", mapping="crm-accounts")
    assert all_of(select(Account.annual_revenue, Account.country).where(Account.name == "Acme Corporation")) == [
        (pytest.approx(1_100_040_000), "US")
    ]
    assert any("Philipines" in warning for warning in report.warnings)


@pytest.mark.parametrize("path", sorted((FILES / "reencoded").iterdir()), ids=lambda path: path.stem)
def test_every_encoding_gives_the_same_91_accounts(database: Path, path: Path) -> None:
    import_file("accounts", NORTHWIND / "accounts.csv", mapping="northwind-accounts")
    assert counts(import_file("accounts", path, mapping="northwind-accounts")) == (0, 0, 91, 0)


def test_a_dry_run_counts_like_the_import_and_changes_nothing(tmp_path: Path, database: Path) -> None:
    assert counts(import_text(tmp_path, "accounts", ACCOUNTS, is_dry_run=True)) == (2, 0, 0, 0)
    assert scalar(select(func.count()).select_from(Account)) == 0


def test_a_bad_row_never_stops_the_good_ones(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    report = import_text(
        tmp_path,
        "orders",
        "order_id,account_id,ordered_on,amount\n1,A1,2026-01-05,10\n2,A1,soon,10\n"
        "3,none,2026-01-05,10\n4,A1,2026-01-05,ten\n,A1,2026-01-05,1\n6,A1,2026-01-05\n7,A2,2026-01-06,7\n",
    )
    assert counts(report) == (2, 0, 0, 5)


def test_the_rejects_file_holds_the_rows_as_they_were_and_why(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", "account_id,name,note\nA1,Acme,=1+1\n,Nobody,=1+1\n")
    rows = list(csv.reader((tmp_path / "rejects.csv").open()))
    assert rows == [
        ["account_id", "name", "note", "_row", "_column", "_error"],
        ["", "Nobody", "=1+1", "3", "account_id", "account_id is empty"],
    ]


def test_mended_rejects_can_be_imported_as_they_are(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", "account_id,name\nA1,Acme\nA2,\n")
    mended = (tmp_path / "rejects.csv").read_text().replace("A2,,", "A2,Beta,")
    assert counts(import_text(tmp_path, "accounts", mended, name="mended.csv")) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "account_id,title\nA1,x\n",
        "\n\n",
        "account_id,name,name\n1,a,b\n",
        ",".join(["account_id", "name", *(f"c{n}" for n in range(200))]) + "\n",
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, database: Path, text: str) -> None:
    with pytest.raises(Refused):
        import_text(tmp_path, "accounts", text)


def test_titles_above_the_header_are_skipped(tmp_path: Path, database: Path) -> None:
    report = import_text(tmp_path, "accounts", "Our best customers,,\n,,\naccount_id,name,city\nA1,Acme,Bonn\n")
    assert counts(report) == (1, 0, 0, 0)


def test_a_known_id_updates_only_what_the_file_has(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", "account_id,name,city,tier\nA1,Acme,Bonn,1\n")
    import_text(tmp_path, "accounts", "account_id,name,city\nA1,Acme Ltd,\n")
    assert all_of(select(Account.name, Account.city, Account.tier)) == [("Acme Ltd", "Bonn", "1")]


def test_an_id_that_comes_twice_counts_with_its_last_row(tmp_path: Path, database: Path) -> None:
    text = "account_id,name\nA1,Acme\nA2,Beta\nA1,Acme Ltd\n"
    assert counts(import_text(tmp_path, "accounts", text)) == (2, 1, 0, 0)
    assert counts(import_text(tmp_path, "accounts", text)) == (0, 0, 3, 0)


def test_naughty_strings_come_back_as_they_were(tmp_path: Path, database: Path) -> None:
    strings = [text for text in json.loads((FILES / "blns.json").read_text()) if text.strip() and "\x00" not in text]
    path = tmp_path / "naughty.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["account_id", "name"], *([f"N{n}", text] for n, text in enumerate(strings))])
    report = import_file("accounts", path)
    kept = dict(all_of(select(Account.external_id, Account.name)))
    too_long = [text for text in strings if len(text.strip()) > 300]
    assert report.rejected == len(too_long)
    assert [kept[f"N{n}"] for n, text in enumerate(strings) if text not in too_long] == [
        text.strip() for text in strings if text not in too_long
    ]


def test_a_zero_byte_or_a_foreign_byte_refuses_its_row(tmp_path: Path, database: Path) -> None:
    report = import_text(tmp_path, "accounts", "account_id,name\nA1,Zoë\nA2,Jörg\nA3,nul\x00\nA4,Ren\udce9\n")
    assert counts(report) == (2, 0, 0, 2)


def test_the_mark_that_exports_put_before_formulas_is_taken_away(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", "account_id,name\nA1,'=SUM(A1)\nA2,'s-Hertogenbosch BV\n")
    assert all_of(select(Account.name).order_by(Account.id)) == [("=SUM(A1)",), ("'s-Hertogenbosch BV",)]


def test_a_parent_may_come_later_or_be_unknown(tmp_path: Path, database: Path) -> None:
    report = import_text(
        tmp_path, "accounts", "account_id,name,parent_id\nA1,Site,A2\nA2,Group,\nA3,Lost,ghost\nA4,Self,A4\n"
    )
    upper = Account.__table__.alias()
    assert all_of(select(Account.external_id, upper.c.external_id).join(upper, upper.c.id == Account.parent_id)) == [
        ("A1", "A2")
    ]
    assert (counts(report), len(report.warnings)) == ((3, 0, 0, 1), 1)


def test_parents_in_a_circle_lose_one_link(tmp_path: Path, database: Path) -> None:
    text = "account_id,name,parent_id\nA1,One,A2\nA2,Two,A1\n"
    import_text(tmp_path, "accounts", text)
    assert scalar(select(func.count()).where(Account.parent_id.is_not(None))) == 1
    assert counts(import_text(tmp_path, "accounts", text)) == (0, 0, 2, 0)


def test_an_owner_is_linked_to_the_user_with_this_address(tmp_path: Path, database: Path) -> None:
    with db.transaction() as session:
        user_id = make_user(session, email="nina@example.com").id
    import_text(tmp_path, "accounts", "account_id,name,owner_email\nA1,Acme,Nina@Example.com\nA2,Beta,x@example.com\n")
    assert all_of(select(Account.owner_id, Account.owner_email).order_by(Account.id)) == [
        (user_id, "nina@example.com"),
        (None, "x@example.com"),
    ]


def test_custom_fields_join_those_that_are_there(tmp_path: Path, database: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text("custom: all")
    for text in ("account_id,name,segment,note\nA1,Acme,gold,x\n", "account_id,name,segment\nA1,Acme,silver\n"):
        (tmp_path / "a.csv").write_text(text)
        import_file("accounts", tmp_path / "a.csv", mapping=str(mapping))
    assert scalar(select(Account.custom)) == {"segment": "silver", "note": "x"}
    assert counts(import_file("accounts", tmp_path / "a.csv", mapping=str(mapping))) == (0, 0, 1, 0)


def people(rows: str, header: str = "contact_id,account_id,email,lawful_basis") -> str:
    return f"{header}\n{rows}"


def test_people_without_a_basis_get_none_with_the_file_as_its_source(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    import_text(tmp_path, "contacts", people("C1,A1,a@example.com,\n"), name="fair.csv")
    assert all_of(select(Contact.lawful_basis, Contact.basis_source)) == [("none", "fair.csv")]


@pytest.mark.parametrize(
    "address", ["noreply@example.com", "abuse@example.com", "postmaster@example.com", "a@b", "a b@c.de"]
)
def test_addresses_that_nobody_reads_are_refused(tmp_path: Path, database: Path, address: str) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    assert counts(import_text(tmp_path, "contacts", people(f"C1,A1,{address},\n"))) == (0, 0, 0, 1)


@pytest.mark.parametrize("is_by_address", [False, True])
def test_a_file_never_raises_a_basis_after_a_withdrawal(tmp_path: Path, database: Path, is_by_address: bool) -> None:
    with db.transaction() as session:
        contact = make_contact(
            session,
            make_account(session, external_id="A1"),
            external_id="C1",
            email="a@example.com",
            lawful_basis="none",
        )
        if is_by_address:
            session.add(
                Suppression(
                    scope="address", key=address_key("a@example.com"), reason="unsubscribed", created_at=clock.now()
                )
            )
        else:
            session.add(
                ConsentEvent(
                    contact_id=contact.id,
                    address_key=address_key("a@example.com"),
                    purpose="*",
                    kind="withdrawn",
                    source="link",
                    at=clock.now(),
                )
            )
    report = import_text(tmp_path, "contacts", people("C1,A1,A@example.com,consent\nC2,A1,b@example.com,consent\n"))
    assert all_of(select(Contact.lawful_basis).order_by(Contact.id)) == [("none",), ("consent",)]
    assert len(report.warnings) == 1


def test_a_file_may_lower_a_basis(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    import_text(tmp_path, "contacts", people("C1,A1,a@example.com,consent\n"))
    import_text(tmp_path, "contacts", people("C1,A1,a@example.com,none\n"))
    assert scalar(select(Contact.lawful_basis)) == "none"


def test_importing_people_again_keeps_since_when_their_basis_is(tmp_path: Path, database: Path, at) -> None:  # type: ignore[no-untyped-def]
    import_text(tmp_path, "accounts", ACCOUNTS)
    at(datetime(2026, 1, 5, tzinfo=UTC))
    import_text(tmp_path, "contacts", people("C1,A1,a@example.com,consent\n"))
    at(datetime(2026, 2, 5, tzinfo=UTC))
    assert counts(import_text(tmp_path, "contacts", people("C1,A1,a@example.com,consent\n"), name="other.csv")) == (
        0,
        0,
        1,
        0,
    )
    assert scalar(select(Contact.basis_at)) == datetime(2026, 1, 5, tzinfo=UTC)


ORDERS = "order_id,account_id,ordered_on,amount,status\n"


@pytest.mark.parametrize("status", ["cancelled", "Canceled", "VOID", "Refunded"])
def test_cancelled_orders_are_kept_and_not_counted(tmp_path: Path, database: Path, status: str) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    import_text(tmp_path, "orders", ORDERS + f"1,A1,2026-01-05,10,{status}\n2,A1,2026-01-05,5,\n")
    assert all_of(select(AccountDay.orders, AccountDay.amount)) == [(1, Decimal(5))]


def test_an_order_that_moves_takes_its_day_along(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    import_text(tmp_path, "orders", ORDERS + "1,A1,2026-01-05,10,\n2,A1,2026-01-06,5,\n")
    import_text(tmp_path, "orders", ORDERS + "1,A2,2026-01-07,10,\n2,A1,2026-01-06,6.0001,\n")
    found = all_of(
        select(Account.external_id, AccountDay.day, AccountDay.amount)
        .join(AccountDay, AccountDay.account_id == Account.id)
        .order_by(AccountDay.day)
    )
    assert found == [("A1", date(2026, 1, 6), Decimal("6.0001")), ("A2", date(2026, 1, 7), Decimal(10))]


def test_another_currency_refuses_the_row(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    report = import_text(
        tmp_path,
        "orders",
        "order_id,account_id,ordered_on,amount,currency\n1,A1,2026-01-05,1,USD\n"
        "2,A1,2026-01-05,1,eur\n3,A1,2026-01-05,1,\n",
    )
    assert counts(report) == (2, 0, 0, 1)


def test_lines_without_a_number_are_known_by_order_sku_and_occurrence(tmp_path: Path, database: Path) -> None:
    with db.transaction() as session:
        make_order(session, make_account(session), on=date(2026, 1, 5), external_id="1", amount="100")
    text = "order_id,sku,product,quantity,unit_price,discount\n1,p,Pen,2,10,\n1,q,Ink,1,8,25%\n1,p,Pen,3,9.5,0\n"
    assert counts(import_text(tmp_path, "order-lines", text)) == (3, 0, 0, 0)
    assert counts(import_text(tmp_path, "order-lines", text)) == (0, 0, 3, 0)
    assert all_of(select(OrderLine.line_key, OrderLine.amount).order_by(OrderLine.id)) == [
        ("p#1", Decimal(20)),
        ("q#1", Decimal(6)),
        ("p#2", Decimal("28.5")),
    ]


def test_lines_bring_units_and_products_and_leave_the_orders_amount(tmp_path: Path, database: Path) -> None:
    with db.transaction() as session:
        make_order(session, make_account(session), on=date(2026, 1, 5), external_id="1", amount="100")
    import_text(tmp_path, "order-lines", "order_id,line,sku,quantity,unit_price\n1,1,p,4,10\n1,2,p,1,1\n")
    assert all_of(select(AccountDay.units, AccountDay.amount)) == [(5.0, Decimal(100))]
    assert all_of(select(Product.sku, Product.name)) == [("p", "p")]


def test_a_workbook_is_imported_like_a_csv_file(tmp_path: Path, database: Path) -> None:
    import xlsxwriter

    path = tmp_path / "orders.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, ["order_id", "account_id", "ordered_on", "amount"])
        sheet.write_row(1, 0, [10248, "A1"])
        sheet.write_datetime(1, 2, datetime(2026, 1, 5), day)
        sheet.write_number(1, 3, 12.5)
    import_text(tmp_path, "accounts", ACCOUNTS)
    import_file("orders", path, options=ReadingOptions(sheet="orders"))
    assert all_of(select(Order.external_id, Order.ordered_on, Order.amount)) == [
        ("10248", date(2026, 1, 5), Decimal("12.5"))
    ]


def test_memory_stays_flat_over_many_rows(tmp_path: Path, database: Path) -> None:
    import_text(tmp_path, "accounts", ACCOUNTS)
    path = tmp_path / "orders.csv"

    def write(count: int) -> None:
        path.write_text(ORDERS + "".join(f"{n},A1,2026-01-{n % 28 + 1:02d},{n}.5,\n" for n in range(count)))

    write(10_000)
    import_file("orders", path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write(60_000)
    import_file("orders", path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000
