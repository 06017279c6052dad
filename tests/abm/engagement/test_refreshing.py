"""Engagement by the clock: part by part, with the same outcome, holding nobody up."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from abm.engagement import actions, refreshing
from abm.engagement.actions import publish_rules, refresh_engagement
from abm.engagement.models import AccountEngagement, EngagementEntry, QualificationChange
from abm.engagement.queries import list_rules
from abm.engagement.refreshing import refresh_engagement_apart
from abm.engagement.rules import read_rules
from abm.orders.models import Order
from campaigns.models import Event
from core import db
from tests.factories import make_account, make_contact, make_order

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _company(database, at):
    at(NOW)
    with db.transaction() as session:
        for n in range(5):
            account = make_account(session)
            people = [make_contact(session, account), make_contact(session, account)]
            for place, person in enumerate(people[: n % 3]):
                for kind in ("reply", "click"):
                    session.add(Event(event_key=f"{kind}-{n}-{place}", kind=kind, account_id=account.id,
                                      contact_id=person.id, is_machine=False, at=NOW - timedelta(days=n)))
            make_order(session, account, on=(NOW - timedelta(days=40 * n)).date())


def kept() -> dict[str, list[tuple[object, ...]]]:
    with db.reading() as session:
        entries = session.execute(select(EngagementEntry.account_id, EngagementEntry.source, EngagementEntry.source_id,
                                         EngagementEntry.points, EngagementEntry.rules_id)).all()
        own = AccountEngagement
        totals = session.execute(select(own.account_id, own.points, own.people, own.is_qualified, own.answers,
                                        own.decay)).all()
        changes = session.execute(select(QualificationChange.account_id, QualificationChange.is_qualified)).all()
        return {"entries": sorted(map(tuple, entries)), "totals": sorted(map(tuple, totals)),
                "changes": sorted(map(tuple, changes))}


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_part_by_part_comes_to_the_same_as_all_at_once(at_once):
    apart = refresh_engagement_apart(at_once=at_once)
    found = kept()
    with db.transaction() as session:
        for table in (EngagementEntry, AccountEngagement, QualificationChange):
            session.query(table).delete()
        whole = refresh_engagement(session)
    assert found == kept()
    assert (apart, len(found["entries"])) == (whole, 13)


def test_what_was_taken_back_or_is_too_old_leaves(at):
    refresh_engagement_apart(at_once=2)
    with db.transaction() as session:
        session.query(Order).filter(Order.ordered_on == NOW.date()).one().is_cancelled = True
    at(NOW + timedelta(days=25))
    refresh_engagement_apart(at_once=2)
    assert [source for _, source, *_ in kept()["entries"]].count("order") == 3


def test_a_large_ledger_is_made_again_in_the_background(monkeypatch):
    refresh_engagement_apart()
    monkeypatch.setattr(actions, "AT_ONCE_UP_TO", 5)
    rung: list[str] = []
    monkeypatch.setattr(actions, "ring_after_commit", lambda _session, name: rung.append(name))
    with db.transaction() as session:
        made = publish_rules(session, rules=read_rules("points: {reply: 4}"), note="less").id
    assert rung == ["engagement.refresh"]
    assert {row[4] for row in kept()["entries"]} == {0}
    refresh_engagement_apart(at_once=2)
    found = kept()["entries"]
    assert len(found) == 13
    assert {row[4] for row in found} == {made}


def test_rules_published_meanwhile_end_it(monkeypatch):
    def publish_first(session, *, rules_id, now):
        with db.transaction() as other:
            publish_rules(other, rules=read_rules("points: {reply: 4}"), note="less")
        return []

    monkeypatch.setattr(refreshing, "list_obsolete", publish_first)
    refresh_engagement_apart()
    with db.reading() as session:
        newest = list_rules(session)[0].id
    assert {row[4] for row in kept()["entries"]} == {newest}
