"""Duplicates in the browser and by command."""

import json

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account, AccountAlias
from abm.accounts.names import name_key
from abm.cli import main
from abm.identity.models import DuplicatePair, Merge
from abm.web.permissions import Role
from core import db
from tests.factories import make_account, make_contact


@pytest.fixture
def pair(database):
    with db.transaction() as session:
        one = make_account(session, name="Acme GmbH", name_key=name_key("Acme GmbH"), external_id="A1", city="Bonn")
        two = make_account(session, name="ACME", name_key=name_key("ACME"), external_id="A2", city="Köln")
        make_contact(session, two)
        return one.id, two.id


@pytest.fixture
def marketer(client_as):
    return client_as(Role.MARKETER)


def found(marketer):
    marketer.post("/accounts/duplicates/search")
    with db.reading() as session:
        return session.scalar(select(DuplicatePair.id))


def test_a_pair_is_looked_for_compared_merged_and_parted_again(pair, marketer):
    pair_id = found(marketer)
    assert "Acme GmbH" in marketer.get("/accounts/duplicates").text
    page = marketer.get(f"/accounts/duplicates/{pair_id}").text
    assert "Which one stays?" in page
    answer = marketer.post(f"/accounts/duplicates/{pair_id}/merge", data={
        "keep": pair[0], "field.city": pair[1], "field.name": pair[0]})
    assert answer.headers["Location"] == f"/accounts/{pair[0]}"
    with db.reading() as session:
        kept = session.scalar(select(Account))
        assert (kept.name, kept.city) == ("Acme GmbH", "Köln")
        merge_id = session.scalar(select(Merge.id))
    assert "Undo" in marketer.get("/accounts/duplicates/merges").text
    marketer.post(f"/accounts/duplicates/merges/{merge_id}/undo")
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 2
    assert "Undone" in marketer.get("/accounts/duplicates/merges").text


def test_not_choosing_who_stays_is_said_beside_the_table_and_changes_nothing(pair, marketer):
    pair_id = found(marketer)
    answer = marketer.post(f"/accounts/duplicates/{pair_id}/merge", data={"keep": "999"})
    assert answer.status_code == 422
    assert "Choose which of the two stays" in answer.text


def test_not_the_same_takes_the_pair_off_the_list_for_ever(pair, marketer):
    pair_id = found(marketer)
    row = marketer.post(f"/accounts/duplicates/{pair_id}/dismiss", headers={"HX-Request": "true"}).text
    assert "Take it back" in row
    marketer.post("/accounts/duplicates/search")
    assert "No duplicates to decide about" in marketer.get("/accounts/duplicates").text
    assert "ACME" in marketer.get("/accounts/duplicates?state=dismissed").text


def test_a_seller_may_say_not_the_same_but_not_merge(pair, marketer, client_as):
    pair_id = found(marketer)
    seller = client_as(Role.SALES)
    assert "A marketer or an administrator can merge them" in seller.get(f"/accounts/duplicates/{pair_id}").text
    assert seller.post(f"/accounts/duplicates/{pair_id}/merge", data={"keep": pair[0]}).status_code == 403


def test_aliases_are_added_beside_the_account_and_refused_with_the_reason(pair, marketer):
    address, htmx = f"/accounts/{pair[0]}/aliases", {"HX-Request": "true"}
    assert "acme.example" in marketer.post(address, data={"kind": "domain", "value": "https://acme.example/x"},
                                           headers=htmx).text
    refused = marketer.post(address, data={"kind": "domain", "value": "no domain"}, headers=htmx)
    assert (refused.status_code, "Write it like example.com" in refused.text) == (422, True)
    taken = marketer.post(address, data={"kind": "id", "value": "A2"}, headers=htmx)
    assert "on file already" in taken.text
    with db.reading() as session:
        alias_id = session.scalar(select(AccountAlias.id))
    marketer.post(f"{address}/{alias_id}/remove", headers=htmx)
    with db.reading() as session:
        assert session.scalar(select(AccountAlias.id)) is None


def test_the_account_page_leads_to_comparing_with_another_one(pair, marketer):
    assert "Known as" in marketer.get(f"/accounts/{pair[0]}").text
    answer = marketer.post(f"/accounts/{pair[0]}/compare", data={"other": "A2"})
    assert "/accounts/duplicates/" in answer.headers["Location"]
    assert marketer.post(f"/accounts/{pair[0]}/compare", data={"other": "A1"}).status_code == 422


def test_the_same_by_command(pair, capsys):
    assert main(["accounts", "duplicates", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(one["first_id"], one["second_id"]) for one in answer["pairs"]] == [("A1", "A2")]
    assert main(["accounts", "merge", "A1", "A2", "--take", "city", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["kept"], done["moved"]["contact"]) == ("A1", 1)
    assert main(["accounts", "merge", "A1", "A2"]) == 2
    assert main(["accounts", "unmerge", str(done["merge"])]) == 0
    assert main(["accounts", "dismiss", "A1", "A2"]) == 0
    capsys.readouterr()
    assert main(["accounts", "duplicates", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == []
