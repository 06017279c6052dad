"""Rows and events from programs: the rules of files, and nothing beyond them."""

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account, AccountEvent
from abm.audit.models import AuditEntry
from abm.contacts.models import Contact
from abm.imports.models import ImportRun
from abm.outreach.consent_actions import suppress
from core import db
from core.settings import settings
from tests.abm.api.programs import ALL, Program
from tests.factories import make_account, make_contact

JANE = {"contact_id": "C1", "account_id": "A1", "first_name": "Jane", "email": "Jane@Example.com"}


@pytest.fixture
def account(database):
    with db.transaction() as session:
        return make_account(session, external_id="A1", name="One")


def the_contact():
    with db.reading() as session:
        found = session.scalars(select(Contact)).one()
        session.expunge(found)
        return found


def test_people_are_made_then_changed_then_left_alone(app, account):
    program = Program(app, "contacts:write")
    counts = [program.post("/contacts", {"rows": [row]}).json for row in (JANE, {**JANE, "first_name": "Janet"},
                                                                         {**JANE, "first_name": "Janet"})]
    assert [(one["created"], one["updated"], one["unchanged"]) for one in counts] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert (the_contact().first_name, the_contact().email_key) == ("Janet", "jane@example.com")


def test_who_comes_without_a_basis_has_none(app, account):
    Program(app, "contacts:write").post("/contacts", {"rows": [JANE]})
    assert the_contact().lawful_basis == "none"


@pytest.mark.parametrize("field", ["id", "is_active", "email_key", "external_id", "custom", "is_sample", "role",
                                   "suppressed", "double_opt_in", "match_rule", "created_at", "owner_id", "__class__"])
def test_no_field_but_those_of_a_file_can_be_set(app, account, field):
    answer = Program(app, *ALL).post("/contacts", {"rows": [{**JANE, field: "1"}]})
    assert (answer.status_code, field in answer.json["fields"]) == (422, True)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 0


def test_a_lawful_basis_needs_a_scope_of_its_own(app, account):
    row = {**JANE, "lawful_basis": "consent"}
    assert Program(app, "contacts:write").post("/contacts", {"rows": [row]}).status_code == 403
    Program(app, "contacts:write", "basis:write").post("/contacts", {"rows": [row]})
    assert the_contact().lawful_basis == "consent"


def test_a_withdrawal_stays_whatever_a_program_says(app, account):
    with db.transaction() as session:
        make_contact(session, session.get(Account, account.id), external_id="C1", email="jane@example.com",
                     lawful_basis="none")
        suppress(session, address="jane@example.com", reason="asked by telephone")
    Program(app, *ALL).post("/contacts", {"rows": [{**JANE, "lawful_basis": "consent"}]})
    from abm.contacts.queries import can_email

    with db.reading() as session:
        assert not can_email(session, session.scalars(select(Contact)).one())


def test_refused_rows_are_told_by_their_number_and_stop_no_other(app, account):
    rows = [JANE, {**JANE, "contact_id": "C2", "account_id": "nobody's", "first_name": "two\nlines"},
            {**JANE, "contact_id": "C3", "first_name": "three\r\nlines\r"},
            {**JANE, "contact_id": "C4", "email": "not one"}]
    told = Program(app, "contacts:write").post("/contacts", {"rows": rows}).json
    assert (told["created"], told["rejected"]) == (2, 2)
    assert [(one["row"], one["field"]) for one in told["refused"]] == [(2, "account_id"), (4, "email")]


def test_nothing_of_a_call_stays_in_the_upload_folder(app, account):
    Program(app, "contacts:write").post("/contacts", {"rows": [JANE, {**JANE, "contact_id": "C2", "email": "x"}]})
    assert list(settings().uploads_dir.iterdir()) == []


def test_a_dry_run_changes_nothing(app, account):
    told = Program(app, "contacts:write").post("/contacts?dry_run=1", {"rows": [JANE]}).json
    assert (told["created"], told["dry_run"]) == (1, True)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 0


def test_a_call_stands_among_the_imports_and_in_the_audit_log_with_its_token(app, account):
    program = Program(app, "contacts:write")
    program.post("/contacts", {"rows": [JANE]})
    with db.reading() as session:
        run = session.scalars(select(ImportRun.file_name)).one()
        entry = session.execute(select(AuditEntry.user_id, AuditEntry.actor).where(
            AuditEntry.action == "import.run")).one()
    assert run == "API: Warehouse"
    assert (entry.user_id, "token Warehouse" in entry.actor) == (program.user.id, True)


def test_a_whole_company_comes_in(app, database):
    program = Program(app, *ALL)
    for path, row in (("/accounts", {"account_id": "A1", "name": "One", "employees": 12.0, "annual_revenue": 1234.567}),
                      ("/products", {"sku": "S1", "name": "Thing", "price": 9.5, "available": True}),
                      ("/orders", {"order_id": "O1", "account_id": "A1", "ordered_on": "2026-01-02", "amount": 19}),
                      ("/order-lines", {"order_id": "O1", "sku": "S1", "quantity": 2, "unit_price": 9.5})):
        told = program.post(path, {"rows": [row]}).json
        assert (told["created"], told["refused"]) == (1, []), path
    with db.reading() as session:
        assert session.scalars(select(Account)).one().annual_revenue == pytest.approx(1234.567)


def test_a_text_is_kept_as_it_is_and_never_run(app, database):
    name = '=cmd|"/C calc"!A0 <img src=x onerror=alert(1)>, "quoted"'
    Program(app, *ALL).post("/accounts", {"rows": [{"account_id": "A1", "name": name}]})
    with db.reading() as session:
        assert session.scalars(select(Account.name)).one() == name


@pytest.mark.parametrize(("more", "code"), [
    ({"data": "rows=1"}, 415), ({"data": b'{"rows":[]}', "content_type": "text/plain"}, 415),
    ({"data": b'{"rows":[]}', "content_type": "application/json; charset=utf-16"}, 415),
    ({"data": b'{"rows":[{"account_id":"1","account_id":"2"}]}', "content_type": "application/json"}, 400),
    ({"data": b'{"rows":[{"employees":NaN}]}', "content_type": "application/json"}, 400),
    ({"data": b'{"rows":' + b"[" * 21 + b"]" * 21 + b"}", "content_type": "application/json"}, 400),
    ({"data": b'{"rows":[{"name":"' + b"x" * 1_000_001 + b'"}]}', "content_type": "application/json"}, 413),
    ({"data": b"", "content_type": "application/json"}, 400),
    ({"data": b'{"rows":[]}', "content_type": "application/json"}, 422),
])
@pytest.mark.parametrize("path", ["/accounts", "/events"])
def test_bodies_that_are_not_what_they_should_be_are_refused(app, database, more, code, path):
    answer = Program(app, *ALL).post(path, **more)
    assert (answer.status_code, "error" in answer.json) == (code, True)


EVENT = {"id": "e1", "account_id": "A1", "title": "Came to the fair", "at": "2026-01-02T10:00:00+01:00"}


@pytest.fixture
def this_year(at):
    from datetime import UTC, datetime

    at(datetime(2026, 3, 1, tzinfo=UTC))


def test_an_event_stands_on_the_timeline_once(app, account, this_year):
    program = Program(app, "events:write")
    first, again = (program.post("/events", {"events": [EVENT]}).json for _ in range(2))
    assert (first["created"], again["created"], again["unchanged"]) == (1, 0, 1)
    with db.reading() as session:
        line = session.execute(select(AccountEvent.title, AccountEvent.at, AccountEvent.actor)).one()
    assert (line.title, line.at.isoformat()) == ("Came to the fair", "2026-01-02T09:00:00+00:00")
    assert "token Warehouse" in line.actor


def test_ids_of_one_program_are_not_those_of_another(app, account, this_year):
    counts = [Program(app, "events:write").post("/events", {"events": [EVENT]}).json["created"] for _ in range(2)]
    assert counts == [1, 1]


def test_events_of_nobody_and_of_strangers_are_told(app, account, this_year):
    with db.transaction() as session:
        make_contact(session, external_id="C9")
    told = Program(app, *ALL).post("/events", {"events": [
        EVENT, {**EVENT, "id": "e2", "account_id": "none"}, {**EVENT, "id": "e3", "contact_id": "C9"}]}).json
    assert told["created"] == 1
    assert [(one["row"], one["field"]) for one in told["refused"]] == [(2, "account_id"), (3, "contact_id")]


@pytest.mark.parametrize("change", [
    {"id": ""}, {"id": None}, {"title": ""}, {"title": 5}, {"title": "x" * 301}, {"at": "yesterday"},
    {"at": "2026-01-02T10:00:00"}, {"at": "1900-01-01T00:00:00Z"}, {"at": "2027-01-01T00:00:00Z"}, {"kind": "reply"},
    {"link": "https://evil.example"}, {"actor": "admin"}, {"text": "a\x00b"}, {"text": "\ud800"},
    {"account_id": ["A1"]},
])
def test_one_wrong_event_stops_the_call_and_nothing_is_taken(app, account, this_year, change):
    answer = Program(app, *ALL).post("/events", {"events": [EVENT, {**EVENT, "id": "e2", **change}]})
    assert answer.status_code == 422
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountEvent)) == 0
