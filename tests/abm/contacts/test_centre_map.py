"""The map of the buying centre: its rules, and what is changed on it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from abm.audit.models import AuditEntry
from abm.company.actions import set_company_value
from abm.contacts.centre_map import Branch, Part, branches, is_single_threaded, stale, threads
from abm.contacts.models import Acquaintance, Contact, FurtherSeat
from core import db
from tests.factories import make_account, make_contact, make_user

DAY = datetime(2026, 6, 1, tzinfo=UTC)


def part(number, above=None, influence=None, **more):
    return Part(number, above, influence, DAY, **more)


def test_the_tree_puts_superiors_above_and_the_most_influential_first():
    tree = branches([part(1, influence=2), part(2, 1), part(3, 1, 9), part(4, influence=8), part(5, 99)])
    assert tree == [Branch(4, ()), Branch(1, (Branch(3, ()), Branch(2, ()))), Branch(5, ())]


@given(st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(1, 12)), unique_by=lambda pair: pair[0]))
def test_everybody_stands_on_the_map_exactly_once_whatever_the_circles(pairs):
    def ids(tree):
        return [one for node in tree for one in (node.id, *ids(node.below))]

    assert sorted(ids(branches([part(number, above) for number, above in pairs]))) == sorted(n for n, _ in pairs)


@pytest.mark.parametrize(("parts", "expected"), [
    ([], True), ([part(1)], True), ([part(1), part(2)], False), ([part(1, known_by=2), part(2), part(3)], True),
    ([part(1, known_by=1), part(2, known_by=1)], False),
])
def test_one_thread_is_marked(parts, expected):
    assert is_single_threaded(parts) is expected
    assert threads(parts) <= len(parts)


def test_a_part_is_stale_once_nobody_confirmed_it_for_so_many_days():
    assert stale([part(1)], at=DAY + timedelta(days=180), fresh_days=180) == []
    assert [one.id for one in stale([part(1)], at=DAY + timedelta(days=181), fresh_days=180)] == [1]


@pytest.fixture
def firm(database):
    with db.transaction() as session:
        account = make_account(session, name="Alpha")
        boss = make_contact(session, account, last_name="Boss", buying_role="decision_maker", influence=9)
        user = make_contact(session, account, last_name="User", buying_role="user", reports_to_id=boss.id)
        return account.id, boss.id, user.id


def contact(contact_id):
    with db.reading() as session:
        found = session.get_one(Contact, contact_id)
        session.expunge(found)
        return found


def test_the_map_shows_people_superiors_and_empty_seats(client_as, firm):
    text = client_as("sales").get(f"/accounts/{firm[0]}/people").text
    assert text.index("Boss</a>") < text.index("User</a>")
    assert "empty seat: champion" in text
    assert "empty seat: decision maker" not in text


def test_the_required_roles_are_the_companys_own(client_as, firm):
    with db.transaction() as session:
        set_company_value(session, name="required_roles", value={"gatekeeper": 2})
    text = client_as("viewer").get(f"/accounts/{firm[0]}/people").text
    assert text.count("empty seat: gatekeeper") == 2
    assert "empty seat: champion" not in text


def test_a_part_is_changed_from_the_map_and_counts_as_confirmed(client_as, firm):
    data = {"buying_role": "champion", "influence": "7", "attitude": "supporter", "reports_to_id": str(firm[1])}
    answer = client_as("sales").post(f"/contacts/{firm[2]}/part", data=data, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == f"/accounts/{firm[0]}/people"
    saved = contact(firm[2])
    assert (saved.buying_role, saved.influence, saved.attitude) == ("champion", 7, "supporter")
    assert saved.confirmed_at is not None
    with db.reading() as session:
        assert "contact.part" in session.scalars(select(AuditEntry.action)).all()


@pytest.mark.parametrize(("data", "sentence"), [
    ({"influence": "11"}, "from 0 to 10"), ({"attitude": "in love"}, "Choose one from the list"),
    ({"reports_to_id": "999999"}, "same account"), ({"buying_role": "king"}, "Choose one from the list"),
])
def test_a_wrong_part_is_refused_beside_its_field(client_as, firm, data, sentence):
    answer = client_as("sales").post(f"/contacts/{firm[2]}/part", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert contact(firm[2]).buying_role == "user"


def test_nobody_comes_to_report_to_themselves_in_a_circle(client_as, firm):
    answer = client_as("sales").post(f"/contacts/{firm[1]}/part", data={"reports_to_id": str(firm[2])})
    assert answer.status_code == 422
    assert "circle" in answer.text
    assert contact(firm[1]).reports_to_id is None


def test_who_of_us_knows_whom_is_kept_with_strength_and_taken_away(client_as, firm):
    client = client_as("sales")
    with db.transaction() as session:
        colleague = make_user(session, name="Nancy Drew")
    save = f"/contacts/{firm[1]}/acquaintances"
    client.post(save, data={"user_id": colleague.id, "strength": "3", "since": "2024-05-01"})
    page = client.get(f"/accounts/{firm[0]}/people").text
    assert "Nancy Drew: is trusted by this person since 2024-05-01" in page
    assert "single thread" in page
    assert client.post(save, data={"user_id": colleague.id, "strength": "9"}).status_code == 404
    client.post(save, data={"user_id": colleague.id})
    with db.reading() as session:
        assert session.scalars(select(Acquaintance)).all() == []


def test_a_person_takes_a_seat_at_a_further_account(client_as, firm):
    client = client_as("sales")
    with db.transaction() as session:
        other = make_account(session, name="Beta", external_id="B7")
        other_id = other.id
    client.post(f"/contacts/{firm[1]}/seats", data={"account": "B7", "buying_role": "champion", "title": "Adviser"})
    text = client.get(f"/accounts/{other_id}/people").text
    assert "Boss" in text
    assert "Adviser" in text
    assert "empty seat: champion" not in text
    assert "empty seat: decision maker" in text
    client.post(f"/contacts/{firm[1]}/seats/{other_id}/remove")
    with db.reading() as session:
        assert session.scalars(select(FurtherSeat)).all() == []


def test_a_viewer_sees_the_map_and_changes_nothing(client_as, firm):
    client = client_as("viewer")
    assert client.get(f"/accounts/{firm[0]}/buying-centre").status_code == 200
    for path in ("part", "confirmed", "acquaintances", "seats"):
        assert client.post(f"/contacts/{firm[1]}/{path}").status_code == 403


def test_the_map_needs_as_many_queries_for_fifty_people_as_for_two(client_as, firm):
    client = client_as("viewer")
    few = count_queries(lambda: client.get(f"/accounts/{firm[0]}/people"))
    with db.transaction() as session:
        account = session.get_one(Contact, firm[1]).account
        for _ in range(48):
            make_contact(session, account, buying_role="user")
    assert count_queries(lambda: client.get(f"/accounts/{firm[0]}/people")) == few


def count_queries(call):
    seen = []
    listen = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", listen)
    call()
    event.remove(db.engine(), "before_cursor_execute", listen)
    return len(seen)


def test_a_further_account_is_named_in_any_way_and_a_wrong_name_is_said(client_as, firm):
    with db.transaction() as session:
        other_id = make_account(session, name="Beta Sites", external_id="B8").id
    client = client_as("marketer")
    said = client.post(f"/contacts/{firm[1]}/seats", data={"account": "Nowhere"}, follow_redirects=True).text
    assert "no single account called Nowhere" in said
    client.post(f"/contacts/{firm[1]}/seats", data={"account": "beta sites"})
    with db.reading() as session:
        assert session.get(FurtherSeat, (firm[1], other_id)) is not None
