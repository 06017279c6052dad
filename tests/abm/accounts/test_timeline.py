"""The timeline: filters, and pages by key."""

from datetime import UTC, date, datetime, timedelta

import pytest

from abm.accounts.models import Account, AccountEvent
from abm.accounts.timeline import Place, TimelineFilter, list_timeline, list_timeline_kinds, read_timeline_filter
from abm.orders.timeline import add_timeline
from core import db
from tests.factories import make_account, make_order

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def account_id(database):
    with db.transaction() as session:
        account = make_account(session)
        for number in range(70):
            session.add(AccountEvent(
                account_id=account.id, at=NOON - timedelta(days=number // 2), title=f"Line {number}",
                kind="note" if number % 7 else "call", actor="Nancy" if number % 5 else "Robert",
                contact_id=9 if number == 3 else None))
        return account.id


def found(account_id, **filters):
    with db.reading() as session:
        return [event.title for event in list_timeline(session, account_id, TimelineFilter(**filters), limit=200)]


@pytest.mark.parametrize(("filters", "count"), [
    ({}, 70), ({"kind": "call"}, 10), ({"actor": "Robert"}, 14), ({"kind": "call", "actor": "Robert"}, 2),
    ({"contact_id": 9}, 1), ({"since": date(2026, 5, 9)}, 4), ({"until": date(2026, 5, 8)}, 66),
    ({"since": date(2026, 5, 9), "until": date(2026, 5, 9)}, 2),
])
def test_filters_hold_together(account_id, filters, count):
    assert len(found(account_id, **filters)) == count


@pytest.fixture
def with_orders(account_id):
    """Two orders on each of ten days, beside events at noon and at the very beginning of some of these days."""
    add_timeline()
    with db.transaction() as session:
        account = session.get_one(Account, account_id)
        for number in range(20):
            make_order(session, account, on=NOON.date() - timedelta(days=number // 2), amount="1234.5",
                       external_id=f"O{number}")
        for days in range(0, 10, 3):
            session.add(AccountEvent(account_id=account_id, kind="note", title=f"Midnight {days}",
                                     at=NOON.replace(hour=0) - timedelta(days=days)))
    return account_id


@pytest.mark.parametrize("size", [1, 2, 3, 7, 9])
def test_pages_show_every_line_once_also_where_moments_are_equal(with_orders, size):
    seen, before = [], None
    with db.reading() as session:
        whole = [line.place for line in list_timeline(session, with_orders, TimelineFilter(), limit=200)]
        while lines := list_timeline(session, with_orders, TimelineFilter(before=before), limit=size):
            seen += [line.place for line in lines]
            before = lines[-1].place
    assert seen == whole
    assert len(set(whole)) == 70 + 20 + 4


@pytest.mark.parametrize(("filters", "count"), [
    ({"kind": "order"}, 20), ({"kind": "note"}, 64), ({"kind": "order", "since": date(2026, 5, 9)}, 4),
    ({"kind": "order", "since": date(2026, 5, 8), "until": date(2026, 5, 9)}, 4), ({"actor": "Nancy"}, 56),
    ({"kind": "order", "actor": "Nancy"}, 0), ({"contact_id": 9}, 1),
])
def test_orders_stand_among_the_lines_and_obey_the_filters(with_orders, filters, count):
    assert len(found(with_orders, **filters)) == count


def test_an_order_is_told_with_its_amount_day_and_page(with_orders, client_as):
    with db.reading() as session:
        newest = list_timeline(session, with_orders, TimelineFilter(kind="order"), limit=1)[0]
        assert list_timeline_kinds(session, with_orders) == ["call", "note", "order"]
    assert (newest.title, newest.at.date(), newest.is_day) == ("O1: 1,234.50 EUR", NOON.date(), True)
    text = client_as("viewer").get(f"/accounts/{with_orders}/timeline?kind=order").text
    assert f'href="{newest.link}"' in text


def test_the_place_in_an_address_leads_back_to_the_line(with_orders):
    place = Place(NOON, "order", 7)
    assert read_timeline_filter({"before": str(place)}).before == place


def test_the_page_keeps_its_filter_on_the_way_back(client_as, account_id):
    text = client_as("viewer").get(f"/accounts/{account_id}/timeline?actor=Nancy&since=2026-04-01").text
    assert "before=" in text
    assert "actor=Nancy&amp;since=2026-04-01" in text
    assert "Nothing fits" in client_as("viewer").get(f"/accounts/{account_id}/timeline?actor=Nobody").text


def test_what_cannot_be_understood_is_left_out():
    wrong = {"since": "soon", "until": "2026-99-99", "contact_id": "x", "before": "9~order~x", "kind": "a\x00"}
    assert read_timeline_filter(wrong) == TimelineFilter(kind="a")
