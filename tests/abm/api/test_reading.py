"""Reading by programs: what is told, by pages, and to whom."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from abm.api.pages import told
from abm.targets.models import ListMember, TargetList
from campaigns.reports import EXPORT_COLUMNS, export_rows
from core import clock, db
from tests.abm.api.programs import ALL, Program
from tests.abm.outreach.companies import WORKING_MOMENT
from tests.campaigns.campaign_factory import make_people, make_run
from tests.factories import make_account, make_contact


@pytest.fixture
def accounts(database):
    with db.transaction() as session:
        made = [make_account(session, external_id=f"E/{number}", name=f"Account {number}") for number in range(5)]
        made[1].parent_id = made[0].id
        made[0].owner_email = "seller@example.com"
        return made


def all_pages(program, path, name):
    found, following = [], path
    while following:
        answer = program.get(following.removeprefix("/api/v1")).json
        found += answer[name]
        following = answer["next"]
    return found


def test_accounts_come_by_pages_each_once(app, accounts):
    found = all_pages(Program(app, *ALL), "/accounts?limit=2", "accounts")
    assert [one["account_id"] for one in found] == [f"E/{number}" for number in range(5)]


def test_an_account_has_the_names_of_the_import_file(app, accounts):
    from abm.accounts.importer import LAYOUT

    told = Program(app, "accounts:read").get("/accounts/E/1").json
    assert set(LAYOUT.names) <= set(told)
    assert (told["parent_id"], told["name"]) == ("E/0", "Account 1")


def test_people_come_of_all_accounts_or_of_one(app, accounts):
    from abm.contacts.importer import LAYOUT

    with db.transaction() as session:
        for account in accounts[:2]:
            make_contact(session, account, external_id=f"P{account.external_id}",
                         basis_at=datetime(2026, 1, 2, tzinfo=UTC))
    program = Program(app, "contacts:read")
    assert len(program.get("/contacts").json["contacts"]) == 2
    (one,) = program.get("/contacts?account_id=E/1").json["contacts"]
    assert set(LAYOUT.names) <= set(one)
    assert (one["contact_id"], one["basis_at"]) == ("PE/1", "2026-01-02T00:00:00+00:00")
    assert program.get("/contacts/PE/0").json["account_id"] == "E/0"


def test_what_is_not_there_is_not_found(app, accounts):
    program = Program(app, *ALL)
    for path in ("/accounts/none", "/contacts/none", "/contacts?account_id=none", "/lists/none/members",
                 "/campaigns/none/status", "/campaigns/none/books", "/campaigns/none/messages", "/nothing"):
        answer = program.get(path)
        assert (answer.status_code, "error" in answer.json) == (404, True), path


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1", "after=9" * 9, "after=²", "offset=3",
                                   "limit=1%27OR%201"])
def test_an_address_that_cannot_be_read_is_refused_with_the_parameter(app, accounts, query):
    answer = Program(app, *ALL).get(f"/accounts?{query}")
    assert answer.status_code == 422
    assert answer.json["fields"]


def test_members_of_a_list_come_by_pages(app, accounts):
    now = clock.now()
    with db.transaction() as session:
        made = TargetList(name="tier-1", title="Tier 1", kind="static", member_count=3, created_at=now, updated_at=now)
        session.add(made)
        session.flush()
        session.add_all(ListMember(list_id=made.id, account_id=one.id, added_at=now, how="hand")
                        for one in accounts[:3])
    program = Program(app, "lists:read")
    assert program.get("/lists").json["lists"][0]["members"] == 3
    assert [one["account_id"] for one in all_pages(program, "/lists/tier-1/members?limit=2", "members")] == [
        "E/0", "E/1", "E/2"]


def test_the_books_of_a_campaign_balance_and_its_messages_are_those_of_the_export(app, at):
    at(WORKING_MOMENT)
    with db.transaction() as session:
        make_people(session, 3)
        make_run(session)
    program = Program(app, "campaigns:read")
    (campaign,) = program.get("/campaigns").json["campaigns"]
    name = campaign["campaign"]
    status, books = (program.get(f"/campaigns/{name}/{what}").json for what in ("status", "books"))
    messages = all_pages(program, f"/campaigns/{name}/messages?limit=2", "messages")
    assert status["planned"] == books["planned"] == len(messages) == 3
    assert books["balanced"] is True
    with db.reading() as session:
        exported = list(export_rows(session, name))
    assert [row["contact_id"] for row in messages] == [row["contact_id"] for row in exported]
    assert set(messages[0]) == set(EXPORT_COLUMNS)


def test_dates_are_iso_and_money_is_a_number():
    assert told({"a": date(2026, 1, 2), "b": Decimal("1.50"), "c": datetime(2026, 1, 2, tzinfo=UTC)}).get_data() == \
        b'{"a":"2026-01-02","b":1.5,"c":"2026-01-02T00:00:00+00:00"}'
