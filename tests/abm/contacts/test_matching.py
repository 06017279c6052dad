"""People whose row names no known account find theirs by domain, then by the company's name, when that is asked."""

import csv

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.accounts.names import name_key
from abm.cli import main
from abm.contacts.actions import move_contact
from abm.contacts.models import Contact
from abm.imports.mapping import read_mapping
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from core import db
from core.errors import InvalidInput
from tests.factories import make_account

HEAD = ["contact_id", "account_id", "email", "first_name", "Company"]


@pytest.fixture
def accounts(database):
    with db.transaction() as session:
        head = make_account(session, external_id="ACME", name="Acme GmbH", name_key=name_key("Acme GmbH"),
                            domain="acme.example.com", country="DE")
        make_account(session, external_id="SITE", name="Acme Lager", name_key="acme lager", parent_id=head.id,
                     domain="shop.acme.example.com")
        make_account(session, external_id="ZETA", name="Zeta Ltd", name_key="zeta ltd", domain="gmail.com")
        for number in (1, 2):
            make_account(session, external_id=f"TWIN{number}", name=f"Twin {number}", name_key=f"twin {number}",
                         domain="twin.example.org")
        return session


@pytest.fixture
def bring(tmp_path, accounts):
    def do(*rows, mapping="match: {name: Company}"):
        path = tmp_path / "people.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        layout = find_importer("contacts").layout
        return bring_in(Task("contacts", path, tmp_path / "rejects.csv", mapping=read_mapping(mapping, layout)))

    return do


def matches():
    with db.reading() as session:
        rows = session.execute(select(Contact.external_id, Account.external_id, Contact.match_rule, Contact.match_score)
                               .join(Account, Account.id == Contact.account_id).order_by(Contact.external_id))
        return [tuple(row) for row in rows]


def test_domain_comes_before_the_company_s_name_and_both_are_kept_with_rule_and_score(bring):
    report = bring(["1", "", "ann@shop.acme.example.com", "Ann", "Zeta"],
                   ["2", "nobody", "bob@gmail.com", "Bob", "ZETA Limited"],
                   ["3", "ZETA", "cid@acme.example.com", "Cid", ""])
    assert (report.created, report.rejected) == (3, 0)
    assert matches() == [("1", "ACME", "domain", 95), ("2", "ZETA", "name", 85), ("3", "ZETA", None, None)]


@pytest.mark.parametrize("row", [
    ["1", "", "ann@gmail.com", "Ann", ""], ["1", "", "ann@twin.example.org", "Ann", ""],
    ["1", "other", "ann@unknown.example", "Ann", "Nobody knows"]])
def test_free_mail_several_accounts_and_strangers_match_nothing_and_are_refused_with_the_reason(bring, row, tmp_path):
    assert bring(row).rejected == 1
    assert "lead to no single account" in (tmp_path / "rejects.csv").read_text()


@pytest.mark.parametrize("row", [["1", "", "ann@acme.example.com", "Ann", ""],
                                 ["1", "other", "ann@acme.example.com", "Ann", ""]])
def test_without_being_asked_an_empty_or_unknown_account_is_refused_as_ever(bring, row):
    report = bring(row, mapping="")
    assert (report.created, report.rejected) == (0, 1)


def test_the_command_finds_by_the_company_s_name_too_where_a_column_bears_it(accounts, tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text("contact_id,Company,first_name,email\n1,Zeta,Zoe,zoe@gmail.com\n2,Zeta,Ann,a@shop.acme.example.com\n")
    assert main(["import", "contacts", str(path)]) == 2
    assert "--match" in capsys.readouterr().err
    assert main(["import", "contacts", str(path), "--match"]) == 0
    assert matches() == [("1", "ZETA", "name", 85), ("2", "ACME", "domain", 95)]


def test_the_same_file_again_changes_nothing(bring):
    rows = (["1", "", "ann@acme.example.com", "Ann", ""], ["2", "", "b@x.example", "Bob", "Zeta"])
    bring(*rows)
    again = bring(*rows)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


@pytest.mark.parametrize("row", [["1", "", "ann@acme.example.com", "Ann", ""],
                                 ["1", "ACME", "ann@acme.example.com", "Ann", ""],
                                 ["1", "gone", "ann@nowhere.example", "Ann", ""]])
def test_what_a_person_has_decided_is_never_changed_by_a_file(bring, row):
    bring(["1", "", "ann@acme.example.com", "Ann", ""])
    with db.transaction() as session:
        person, zeta = session.scalar(select(Contact.id)), session.scalar(
            select(Account.id).where(Account.external_id == "ZETA"))
        move_contact(session, contact_id=person, account_id=zeta)
    report = bring(row)
    assert report.rejected == 0
    assert matches() == [("1", "ZETA", "person", 100)]


def test_a_file_without_the_column_is_refused_unless_matching_is_asked_for(tmp_path, accounts, capsys):
    path = tmp_path / "people.csv"
    path.write_text("contact_id,email\n1,ann@acme.example.com\n2,bob@nowhere.example\n")
    assert main(["import", "contacts", str(path)]) == 2
    assert "account_id" in capsys.readouterr().err
    assert main(["import", "contacts", str(path), "--match"]) == 1
    assert matches() == [("1", "ACME", "domain", 95)]


def test_it_is_asked_for_by_an_option_too(tmp_path, accounts):
    path = tmp_path / "people.csv"
    path.write_text("contact_id,account_id,email\n1,,ann@acme.example.com\n")
    assert main(["import", "contacts", str(path)]) == 1
    assert main(["import", "contacts", str(path), "--match"]) == 0
    assert matches() == [("1", "ACME", "domain", 95)]


@pytest.mark.parametrize("text", ["match: name", "match: {company: X}", "match: 7"])
def test_a_mapping_that_asks_for_something_else_is_refused(text):
    with pytest.raises(InvalidInput, match="match must be"):
        read_mapping(text, find_importer("contacts").layout)


def test_only_people_are_matched():
    with pytest.raises(InvalidInput, match="accounts of contacts"):
        read_mapping("match: domain", find_importer("orders").layout)
