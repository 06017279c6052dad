"""The timeline: filters, and pages by key."""

from datetime import UTC, date, datetime, timedelta

import pytest

from abm.accounts.models import AccountEvent
from abm.accounts.queries import TimelineFilter, list_events, read_timeline_filter
from core import db
from tests.factories import make_account

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
        return [event.title for event in list_events(session, account_id, TimelineFilter(**filters), limit=100)]


@pytest.mark.parametrize(("filters", "count"), [
    ({}, 70), ({"kind": "call"}, 10), ({"actor": "Robert"}, 14), ({"kind": "call", "actor": "Robert"}, 2),
    ({"contact_id": 9}, 1), ({"since": date(2026, 5, 9)}, 4), ({"until": date(2026, 5, 8)}, 66),
    ({"since": date(2026, 5, 9), "until": date(2026, 5, 9)}, 2),
])
def test_filters_hold_together(account_id, filters, count):
    assert len(found(account_id, **filters)) == count


def test_pages_show_every_line_once_also_where_moments_are_equal(account_id):
    seen, before = [], None
    with db.reading() as session:
        while events := list_events(session, account_id, TimelineFilter(before=before), limit=9):
            seen += [event.id for event in events]
            before = events[-1].id
    assert len(seen) == len(set(seen)) == 70


def test_the_page_keeps_its_filter_on_the_way_back(client_as, account_id):
    text = client_as("viewer").get(f"/accounts/{account_id}/timeline?actor=Nancy&since=2026-04-01").text
    assert "before=" in text
    assert "actor=Nancy&amp;since=2026-04-01" in text
    assert "Nothing fits" in client_as("viewer").get(f"/accounts/{account_id}/timeline?actor=Nobody").text


def test_what_cannot_be_understood_is_left_out():
    wrong = {"since": "soon", "until": "2026-99-99", "contact_id": "x", "before": "9" * 30, "kind": "a\x00"}
    assert read_timeline_filter(wrong) == TimelineFilter(kind="a")
