"""Sites rolled up to their parent, over several levels and in two statements."""

from datetime import UTC, date, datetime, timedelta

import pytest

from abm.dossier.family import find_top, read_family
from campaigns.models import Touch
from core import db
from tests.abm.contacts.test_centre_map import count_queries
from tests.factories import make_account, make_contact, make_order

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def group(database):
    """Group > (North > Depot, South), and a stranger."""
    with db.transaction() as session:
        top = make_account(session, name="Group")
        north = make_account(session, name="North", parent_id=top.id, city="Oslo")
        depot = make_account(session, name="Depot", parent_id=north.id)
        south = make_account(session, name="South", parent_id=top.id)
        stranger = make_account(session, name="Stranger")
        for account, amount in ((top, "10.50"), (depot, "30"), (south, "20"), (stranger, "999")):
            make_order(session, account, on=date(2026, 5, 1), amount=amount)
        make_order(session, south, on=date(2024, 5, 1), amount="5000")
        make_contact(session, depot)
        make_contact(session, depot, is_active=False)
        make_contact(session, south)
        for account, days, points in ((depot, 3, 2), (depot, 20, 4), (south, 40, 8), (stranger, 1, 1)):
            session.add(Touch(account_id=account.id, channel="call", points=points, at=NOW - timedelta(days=days)))
        return {account.name: account.id for account in (top, north, depot, south, stranger)}


def family(account_id):
    with db.reading() as session:
        return read_family(session, account_id, today=TODAY, now=NOW)


def test_orders_people_and_pressure_of_every_level_roll_up(group):
    found = family(group["Group"])
    up = {name: (float(one.sum), one.mean, float(one.most)) for name, one in found.rolled_up.items()}
    assert found.count == 4
    assert up == {"value": (60.5, 15.125, 30.0), "orders": (3, 0.75, 1), "people": (2, 0.5, 1),
                  "points_7": (2, 0.5, 2), "points_30": (6, 1.5, 6)}
    assert [(site.name, site.depth) for site in found.sites] == [
        ("Group", 0), ("South", 1), ("North", 1), ("Depot", 2)]


def test_a_branch_rolls_up_what_stands_below_it_alone(group):
    assert float(family(group["North"]).rolled_up["value"].sum) == 30
    assert family(group["Stranger"]).count == 1


def test_the_top_of_a_group_is_found_from_every_level(group):
    with db.reading() as session:
        assert {find_top(session, group[name]) for name in ("Group", "North", "Depot")} == {group["Group"]}


def test_a_hundred_sites_take_as_many_queries_as_one(client_as, group):
    client = client_as("viewer")
    few = count_queries(lambda: client.get(f"/accounts/{group['Group']}/dossier"))
    with db.transaction() as session:
        for _ in range(100):
            make_account(session, parent_id=group["North"])
    assert count_queries(lambda: client.get(f"/accounts/{group['Group']}/dossier")) == few


def test_the_page_shows_the_roll_up_and_the_way_up(client_as, group):
    client = client_as("viewer")
    text = client.get(f"/accounts/{group['Group']}/dossier").text
    assert "Sum of all 4" in text
    assert "Depot" in text
    assert "Part of the group" in client.get(f"/accounts/{group['Depot']}/dossier").text
