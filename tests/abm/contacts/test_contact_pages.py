import re

import pytest
from sqlalchemy import select

from abm.accounts.models import Account, AccountEvent
from abm.audit.models import AuditDetail, AuditEntry
from abm.contacts import pages as contact_pages
from abm.contacts.models import Contact, FurtherSeat
from abm.contacts.queries import can_email, why_not_emailed
from campaigns.keys import address_key, domain_key
from campaigns.models import Suppression
from campaigns.stops import current
from core import clock, db
from tests.factories import make_account, make_contact

GOOD = {"first_name": "Ada", "last_name": "Stone", "email": "Ada@Example.com", "buying_role": "champion",
        "lawful_basis": "consent", "basis_source": "form of 3 May"}


@pytest.fixture
def account_id(database):
    with db.transaction() as session:
        return make_account(session, name="Alpha").id


def stop(session, scope, key, purpose="*", **more):
    own = {"scope": scope, "key": key, "purpose": purpose, "reason": "unsubscribed", "created_at": clock.now()}
    session.add(Suppression(**own, **more))


@pytest.mark.parametrize(("values", "sentence"), [
    ({"is_active": False}, "No longer there"), ({"email": None, "phone": "1"}, "No e-mail address"),
    ({"lawful_basis": "none"}, "No lawful basis"),
])
def test_who_cannot_be_emailed_and_why(session, values, sentence):
    contact = make_contact(session, **values)
    assert sentence in why_not_emailed(session, [contact])[contact.id]


@pytest.mark.parametrize("scope", ["address", "domain", "contact", "account"])
def test_a_stop_of_all_mail_keeps_a_person_from_being_emailed(session, scope):
    contact = make_contact(session, email="x@stopped.example")
    assert can_email(session, contact)
    key = {"address": address_key("X@stopped.example"), "domain": domain_key("stopped.example"),
           "contact": str(contact.id), "account": str(contact.account_id)}[scope]
    stop(session, scope, key)
    session.flush()
    assert not can_email(session, contact)


def test_a_lifted_stop_and_one_for_a_single_purpose_do_not_count(session):
    contact = make_contact(session)
    stop(session, "contact", str(contact.id), lifted_at=clock.now())
    stop(session, "contact", str(contact.id), purpose="newsletter")
    session.flush()
    assert can_email(session, contact)


def test_a_person_is_added_with_basis_source_and_moment(client_as, account_id):
    response = client_as("sales").post(f"/accounts/{account_id}/contacts", data=GOOD)
    assert response.status_code == 302
    with db.reading() as session:
        person = session.scalars(select(Contact)).one()
        assert person.email_key == "ada@example.com"
        assert (person.lawful_basis, person.basis_source) == ("consent", "form of 3 May")
        assert person.basis_at is not None
        assert session.scalars(select(AccountEvent.title)).all() == ["Person added: Ada Stone"]


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"email": "not an address"}, "is not an e-mail address"), ({"email": "", "phone": ""}, "Give an e-mail address"),
    ({"email": "noreply@example.com"}, "role address"), ({"basis_source": ""}, "Say where this basis comes from"),
    ({"lawful_basis": "because"}, "Choose one"), ({"timezone": "Moon"}, "IANA"), ({"influence": "11"}, "Choose one"),
    ({"custom": "no colon"}, "name: value"),
])
def test_wrong_values_are_named_and_nothing_is_saved(client_as, account_id, changed, sentence):
    response = client_as("sales").post(f"/accounts/{account_id}/contacts", data={**GOOD, **changed})
    assert response.status_code == 422
    assert sentence in response.get_data(as_text=True)
    with db.reading() as session:
        assert session.scalars(select(Contact)).all() == []


def test_a_change_of_basis_is_dated_recorded_and_noticed_by_senders(client_as, database):
    with db.transaction() as session:
        person = make_contact(session, lawful_basis="consent", basis_source="form", basis_at=None)
        before = current(session)
    changed = {"last_name": "Doe", "email": person.email, "lawful_basis": "none"}
    client_as("sales").post(f"/contacts/{person.id}", data=changed)
    with db.reading() as session:
        detail = session.scalars(select(AuditDetail)).one()
        assert (detail.before["lawful_basis"], detail.after["lawful_basis"]) == ("consent", "none")
        assert current(session) > before


def test_somebody_who_left_stays_on_record_and_can_come_back(client_as, database):
    with db.transaction() as session:
        person = make_contact(session)
    client = client_as("sales")
    client.post(f"/contacts/{person.id}/left", data={"reason": "moved"})
    assert "No longer there" in client.get(f"/contacts/{person.id}").get_data(as_text=True)
    assert "Jane" not in client.get("/contacts").get_data(as_text=True)
    assert "Jane" in client.get("/contacts?left=yes").get_data(as_text=True)
    client.post(f"/contacts/{person.id}/back")
    with db.reading() as session:
        recorded = select(AuditEntry.action).where(AuditEntry.subject == "contact").order_by(AuditEntry.id)
        assert session.scalars(recorded).all() == ["contact.deactivate", "contact.reactivate"]


@pytest.mark.parametrize(("query", "found"), [
    ("?q=ada+stone", True), ("?q=ADA@", True), ("?q=alpha", True), ("?q=%25", False), ("?role=champion", True),
    ("?role=user", False), ("?basis=consent", True), ("?sort=-account", True), ("?sort=id;--&after=x", True),
])
def test_people_are_searched_filtered_and_sorted(client_as, account_id, query, found):
    client_as("sales").post(f"/accounts/{account_id}/contacts", data=GOOD)
    response = client_as("viewer").get(f"/contacts{query}")
    assert response.status_code == 200
    assert ("Ada Stone" in response.get_data(as_text=True)) is found


def test_the_account_page_shows_people_and_empty_seats(client_as, account_id):
    client = client_as("sales")
    client.post(f"/accounts/{account_id}/contacts", data=GOOD)
    text = client.get(f"/accounts/{account_id}/people").get_data(as_text=True)
    assert "Ada Stone" in text
    assert "empty seat: decision maker" in text
    assert "25 %" in text


def test_export_and_rights(client_as, account_id):
    client_as("sales").post(f"/accounts/{account_id}/contacts", data=GOOD)
    assert "Ada" in client_as("sales").get("/contacts/export.csv?role=champion").get_data(as_text=True)
    viewer = client_as("viewer")
    assert viewer.get("/contacts/export.csv").status_code == 403
    assert viewer.post(f"/accounts/{account_id}/contacts", data=GOOD).status_code == 403
    assert viewer.get("/contacts/424242").status_code == 404


def test_a_person_is_moved_to_the_account_that_is_typed(client_as, database):
    with db.transaction() as session:
        old, new = make_account(session, name="Old"), make_account(session, name="New Home")
        boss, person = make_contact(session, old), make_contact(session, old)
        person.reports_to_id = boss.id
        session.add(FurtherSeat(contact_id=person.id, account_id=new.id, created_at=clock.now()))
        person_id, new_id = person.id, new.id
    client = client_as("marketer")
    wrong = client.post(f"/contacts/{person_id}/move", data={"move_to": "Nowhere"})
    assert (wrong.status_code, "no single account called Nowhere" in wrong.text) == (422, True)
    client.post(f"/contacts/{person_id}/move", data={"move_to": "new home"})
    with db.reading() as session:
        moved = session.get_one(Contact, person_id)
        assert (moved.account_id, moved.match_rule, moved.reports_to_id) == (new_id, "person", None)
        assert session.get(FurtherSeat, (person_id, new_id)) is None
    assert "decided by a person" in client.get(f"/contacts/{person_id}").text


@pytest.mark.parametrize("query", ["q=ada", "q=alpha", "q=ada+st", "q=%25", "q=ada&role=champion", "q=ada&sort=-name"])
def test_words_that_many_have_find_the_same_people(client_as, account_id, query, monkeypatch):
    with db.transaction() as session:
        for number, first in enumerate(("Ada", "Adam", "Bert", "Ada")):
            other = make_account(session, name=f"Other {number}")
            make_contact(session, other, first_name=first, last_name="Stone", buying_role="champion")
        make_contact(session, session.get_one(Account, account_id), first_name="Carl", is_active=False)
        make_contact(session, session.get_one(Account, account_id), first_name="Dora")
    viewer = client_as("viewer")

    def people():
        page = viewer.get(f"/contacts?{query}").text
        return re.findall(r'href="/contacts/(\d+)"', page)

    usual = people()
    monkeypatch.setattr(contact_pages, "COUNT_UP_TO", 1)
    assert people() == usual
