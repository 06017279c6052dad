"""What an empty cell does to what is known: nothing, unless the mapping says that it takes it away."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.contacts.models import Contact
from core import db
from tests.abm.imports.files import counts, import_file
from tests.factories import make_user

PEOPLE = {"contact_id": "C1", "account_id": "A1", "first_name": "Ada", "last_name": "Byron", "email": "a@example.com",
          "phone": "+44 20 1", "title": "Head", "department": "IT", "buying_role": "champion", "language": "en",
          "timezone": "Europe/London", "lawful_basis": "consent", "floor": "3"}
ACCOUNTS = {"account_id": "A1", "name": "Acme", "domain": "acme.example", "industry": "Retail", "employees": "50",
            "annual_revenue": "100", "country": "GB", "region": "South", "city": "London", "tier": "A",
            "source": "fair", "owner_email": "nina@example.com", "parent_id": "A2", "segment": "gold"}
HEAD_OFFICE = {**dict.fromkeys(ACCOUNTS, ""), "account_id": "A2", "name": "Head"}
OF_PEOPLE = ("first_name", "last_name", "email", "email_key", "phone", "title", "department", "buying_role",
             "language", "timezone", "custom")
OF_ACCOUNTS = ("domain", "industry", "employees", "annual_revenue", "country", "region", "city", "tier", "source",
               "owner_email", "parent_id", "custom")


@pytest.fixture
def bring(tmp_path: Path, database: Path) -> Any:
    """Import rows; `empty`: columns whose cells are empty in the first one."""

    def bring_rows(kind: str, *rows: dict[str, str], empty: tuple[str, ...] = (), mapping: str = "custom: all") -> Any:
        first = {name: "" if name in empty else cell for name, cell in rows[0].items()}
        lines = [",".join(first), *(",".join(row.values()) for row in (first, *rows[1:]))]
        (tmp_path / f"{kind}.csv").write_text("\n".join(lines) + "\n")
        (tmp_path / "map.yaml").write_text(mapping)
        return counts(import_file(kind, tmp_path / f"{kind}.csv", mapping=str(tmp_path / "map.yaml")))

    bring_rows("accounts", ACCOUNTS, HEAD_OFFICE)
    bring_rows("contacts", PEOPLE)
    return bring_rows


def known(model: type[Account] | type[Contact], names: tuple[str, ...], key: str) -> dict[str, Any]:
    with db.reading() as session:
        row = session.scalars(select(model).where(model.external_id == key)).one()
        return {name: getattr(row, name) for name in names}


@pytest.mark.parametrize("empty", [("phone",), ("email",), tuple(
    name for name in PEOPLE if name not in ("contact_id", "account_id", "phone", "lawful_basis"))],
    ids=["the phone", "the address", "all but the phone"])
def test_an_empty_cell_of_a_person_takes_nothing_away(bring: Any, empty: tuple[str, ...]) -> None:
    before = known(Contact, OF_PEOPLE, "C1")
    assert all(before.values())
    assert bring("contacts", PEOPLE, empty=empty) == (0, 0, 1, 0)
    assert known(Contact, OF_PEOPLE, "C1") == before


def test_an_empty_cell_of_an_account_takes_nothing_away(bring: Any) -> None:
    before = known(Account, OF_ACCOUNTS, "A1")
    assert all(before.values())
    empty = tuple(name for name in ACCOUNTS if name not in ("account_id", "name"))
    assert bring("accounts", ACCOUNTS, HEAD_OFFICE, empty=empty) == (0, 0, 2, 0)
    assert known(Account, OF_ACCOUNTS, "A1") == before


def test_what_stands_beside_an_empty_cell_is_taken(bring: Any) -> None:
    assert bring("contacts", {**PEOPLE, "title": "Chief"}, empty=("phone",)) == (0, 1, 0, 0)
    assert known(Contact, ("title", "phone"), "C1") == {"title": "Chief", "phone": "+44 20 1"}


@pytest.mark.parametrize(("kind", "row", "names", "model"), [
    ("contacts", PEOPLE, ("phone", "title", "floor"), Contact),
    ("accounts", ACCOUNTS, ("industry", "owner_email", "parent_id", "segment"), Account)])
def test_where_the_mapping_says_so_an_empty_cell_takes_away_what_was_known(
    bring: Any, kind: str, row: dict[str, str], names: tuple[str, ...], model: Any
) -> None:
    assert bring(kind, row, empty=names, mapping="{custom: all, empty: clear}") == (0, 1, 0, 0)
    found = known(model, (*names[:-1], "custom"), str(next(iter(row.values()))))
    assert found == {**dict.fromkeys(names[:-1]), "custom": {}}


def test_another_owner_whom_nobody_knows_takes_the_place_of_the_one_before(bring: Any) -> None:
    with db.transaction() as session:
        make_user(session, email="nina@example.com")
    bring("accounts", ACCOUNTS, HEAD_OFFICE)
    assert known(Account, ("owner_id",), "A1")["owner_id"]
    bring("accounts", {**ACCOUNTS, "owner_email": "x@example.com"}, HEAD_OFFICE)
    assert known(Account, ("owner_id", "owner_email"), "A1") == {"owner_id": None, "owner_email": "x@example.com"}


def test_parents_that_are_kept_make_no_circle_with_those_of_the_file(bring: Any) -> None:
    bring("accounts", {**HEAD_OFFICE, "parent_id": "A1"}, {**ACCOUNTS, "parent_id": ""})
    parents = [known(Account, ("parent_id",), key)["parent_id"] for key in ("A1", "A2")]
    assert sorted(parents, key=bool)[0] is None
    assert any(parents)


def test_a_missing_basis_means_none_as_ever(bring: Any) -> None:
    bring("contacts", PEOPLE, empty=("lawful_basis",))
    assert known(Contact, ("lawful_basis",), "C1") == {"lawful_basis": "none"}


def test_other_kinds_of_files_say_that_their_rows_are_taken_whole(bring: Any) -> None:
    with pytest.raises(Exception, match="orders are taken as they stand"):
        bring("orders", {"order_id": "O1", "account_id": "A1", "ordered_on": "2026-01-01", "amount": "1"},
              mapping="empty: clear")
