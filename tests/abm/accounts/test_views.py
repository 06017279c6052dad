"""Columns that are chosen and views that are saved."""

import pytest
from sqlalchemy import select

from abm.accounts.models import SavedView
from core import db
from tests.factories import make_account


@pytest.fixture(autouse=True)
def account(database):
    with db.transaction() as session:
        make_account(session, name="Alpha", city="Graz", source="fair", employees=1234)



def save(client, **data):
    return client.post("/views", data={"page": "accounts", **data})


def test_the_columns_chosen_are_shown_and_carried_on(client_as):
    client = client_as("viewer")
    answer = client.get("/accounts?country=FR&column=employees&column=source&column=nonsense")
    assert answer.headers["Location"] == "/accounts?sort=name&country=FR&columns=employees,source,nonsense"
    text = client.get("/accounts?columns=employees,nonsense").text
    assert "1,234" in text
    assert 'data-label="Country"' not in text
    assert "columns=employees" in text


def test_a_source_can_be_filtered_by(client_as):
    client = client_as("viewer")
    assert ">Alpha</a>" in client.get("/accounts?source=fair").text
    assert ">Alpha</a>" not in client.get("/accounts?source=web").text


def test_a_view_keeps_filters_order_and_columns_under_a_name(client_as):
    client = client_as("sales")
    answer = save(client, name="Big ones", arguments="country=FR&sort=-value&columns=city&after=abc&csrf_token=x")
    assert answer.headers["Location"] == "/accounts?country=FR&sort=-value&columns=city"
    with db.reading() as session:
        assert session.scalars(select(SavedView)).one().arguments == {
            "country": "FR", "sort": "-value", "columns": "city"}
    assert "Big ones" in client.get("/accounts").text


def test_only_a_shared_view_is_seen_by_others_and_only_the_owner_takes_it_away(client_as):
    owner, other = client_as("sales"), client_as("marketer")
    save(owner, name="Mine alone", arguments="q=x")
    save(owner, name="For us all", arguments="q=y", is_shared="yes")
    text = other.get("/accounts").text
    assert "For us all" in text
    assert "Mine alone" not in text
    with db.reading() as session:
        ids = session.scalars(select(SavedView.id)).all()
    assert [other.post(f"/views/{view_id}/remove").status_code for view_id in ids] == [404, 404]
    for view_id in ids:
        owner.post(f"/views/{view_id}/remove")
    with db.reading() as session:
        assert session.scalars(select(SavedView.id)).all() == []


def test_the_same_name_replaces_and_a_view_without_a_name_is_refused(client_as):
    client = client_as("sales")
    save(client, name="One", arguments="q=x")
    save(client, name="One", arguments="q=y")
    save(client, name="  ", arguments="q=z")
    with db.reading() as session:
        assert [view.arguments for view in session.scalars(select(SavedView))] == [{"q": "y"}]


def test_people_have_saved_views_too(client_as):
    client = client_as("sales")
    answer = client.post("/views", data={"page": "contacts", "name": "Sceptics", "arguments": "attitude=sceptic"})
    assert answer.headers["Location"] == "/contacts?attitude=sceptic"
    assert "Sceptics" in client.get("/contacts").text
    assert "Sceptics" not in client.get("/accounts").text


def test_a_view_cannot_lead_out_of_the_product(client_as):
    answer = save(client_as("sales"), name="X", page="https://evil.example", arguments="_external=1&_scheme=evil&q=1")
    assert answer.headers["Location"].startswith("/accounts")
