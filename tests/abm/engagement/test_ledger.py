"""From what happened to points, people, qualification and signs of decay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.engagement.actions import cool_down, publish_rules, refresh_engagement
from abm.engagement.list_fields import _FIELDS
from abm.engagement.models import AccountEngagement, EngagementEntry, QualificationChange
from abm.engagement.queries import select_state
from abm.engagement.rules import DEFAULT_RULES, Facts, decay_signs, evaluate, read_rules
from abm.targets.scopes import get_vocabulary
from abm.work.models import Task
from campaigns.models import ConversationLock, Event, Touch
from core import clock
from tests.factories import make_account, make_contact, make_order

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(at) -> None:
    at(NOW)


def event(session: Session, account, contact=None, *, kind="reply", days=0.0, is_machine=False) -> Event:
    made = Event(event_key=f"{kind}-{account.id}-{days}-{is_machine}-{contact and contact.id}", kind=kind,
                 account_id=account.id, contact_id=contact and contact.id, is_machine=is_machine,
                 at=NOW - timedelta(days=days))
    session.add(made)
    session.flush()
    return made


def total(session: Session, account) -> AccountEngagement:
    refresh_engagement(session)
    return session.get_one(AccountEngagement, account.id)


def test_points_fade_and_groups_are_cut_at_their_limit(session: Session) -> None:
    account, jane = make_account(session), None
    jane = make_contact(session, account)
    event(session, account, jane, kind="reply", days=45)
    for n in range(10):
        event(session, account, jane, kind="click", days=n / 1000)
    found = total(session, account)
    assert found.points == pytest.approx(10 * 0.5 + 20, abs=1e-3)
    assert found.people == 1


def test_machines_never_count(session: Session) -> None:
    account = make_account(session)
    event(session, account, kind="open", is_machine=True)
    event(session, account, kind="click", is_machine=True)
    event(session, account, kind="auto_reply")
    refresh_engagement(session)
    assert session.get(AccountEngagement, account.id) is None
    assert session.scalars(select(Event)).all()


def test_calls_answered_visits_and_orders_count_with_their_day(session: Session) -> None:
    account, other = make_account(session), make_account(session)
    for kind, outcome, owner in (("call", "reached", account), ("call", "not_reached", other), ("visit", None, account),
                                 ("task", None, other)):
        session.add(Task(kind=kind, title=kind, account_id=owner.id, outcome=outcome, state="done", done_at=NOW,
                         created_at=NOW))
    make_order(session, account, on=(NOW - timedelta(days=9)).date())
    refresh_engagement(session)
    rows = {row.kind: row.points for row in session.scalars(select(EngagementEntry))}
    assert rows == {"call": 8, "visit": 12, "order": 15}
    assert session.get_one(AccountEngagement, account.id).points == pytest.approx(20 + 15 * (1 - 9.5 / 90))


def test_a_cancelled_order_leaves_the_ledger_and_a_repeat_changes_nothing(session: Session) -> None:
    account = make_account(session)
    order = make_order(session, account, on=NOW.date())
    refresh_engagement(session)
    first = [(row.id, row.source_id) for row in session.scalars(select(EngagementEntry))]
    refresh_engagement(session)
    assert [(row.id, row.source_id) for row in session.scalars(select(EngagementEntry))] == first
    order.is_cancelled = True
    refresh_engagement(session)
    assert session.scalars(select(EngagementEntry)).all() == []


def qualified(session: Session):
    account = make_account(session)
    for person in (make_contact(session, account), make_contact(session, account)):
        event(session, account, person, kind="reply", days=0)
        event(session, account, person, kind="reply", days=0.001)
    return account


def test_the_whole_expression_is_kept_at_each_transition(session: Session) -> None:
    account = qualified(session)
    refresh_engagement(session)
    refresh_engagement(session)
    session.add(ConversationLock(account_id=account.id, reason="reply", until=NOW + timedelta(days=3)))
    refresh_engagement(session)
    changes = session.scalars(select(QualificationChange).order_by(QualificationChange.id)).all()
    assert [change.is_qualified for change in changes] == [True, False]
    assert [part["holds"] for part in changes[1].expression["parts"]] == [True, True, True, False, True]
    assert changes[0].expression["parts"][1]["value"] == pytest.approx(40, abs=0.01)


def test_an_account_that_cools_down_is_not_qualified(session: Session) -> None:
    account = qualified(session)
    cool_down(session, account_id=account.id, days=30, reason="not this quarter")
    assert not total(session, account).is_qualified
    refresh_engagement(session, now=NOW + timedelta(days=20))
    assert session.scalars(select(QualificationChange)).all() == []


def test_new_rules_make_the_ledger_again_and_are_named_on_its_rows(session: Session) -> None:
    account = make_account(session)
    event(session, account, kind="reply")
    refresh_engagement(session)
    made = publish_rules(session, rules=read_rules("points: {reply: 4}"), note="less")
    row = session.scalars(select(EngagementEntry)).one()
    assert (row.points, row.rules_id) == (4, made.id)
    assert session.get_one(AccountEngagement, account.id).points == pytest.approx(4)


def test_falling_contact_and_response_raise_a_flag(session: Session) -> None:
    account = make_account(session)
    for days in (100, 110, 120, 130, 10):
        session.add(Touch(account_id=account.id, channel="email", points=1, at=NOW - timedelta(days=days)))
    for days in (100, 110):
        event(session, account, days=days)
    found = total(session, account)
    assert (found.touches, found.touches_before, found.answers, found.answers_before) == (1, 4, 0, 2)
    assert found.decay == "contact,response"


def test_sql_and_the_plain_rules_say_the_same_of_every_account(session: Session) -> None:
    rules = read_rules("needed: {points: 9, points_by_tier: {'1': 5}, people: 1, fit: 0}")
    for n in range(12):
        account = make_account(session, tier=str(n % 3), employees=900 * (n % 2) + 200)
        for k in range(n % 5):
            event(session, account, make_contact(session, account), kind=("reply", "click")[k % 2], days=k * 20 + n)
        for k in range(n):
            session.add(Touch(account_id=account.id, channel="email", points=1, at=NOW - timedelta(days=30 * (k % 5))))
    publish_rules(session, rules=rules, note="")
    rows = session.execute(select_state(session, rules, clock.now())).all()
    assert len(rows) > 8
    for row in rows:
        facts = Facts(row.tier, row.employees, row.fit, row.points, row.people, row.is_locked, row.is_cooling)
        assert bool(row.is_qualified) is evaluate(facts, rules, 1)["is_qualified"]
        assert row.decay == ",".join(decay_signs(
            touches=(row.touches, row.touches_before), answers=(row.answers, row.answers_before),
            gaps=(row.recent_gap_days, row.median_gap_days)))


def test_list_rules_know_the_fields(session: Session) -> None:
    vocabulary = get_vocabulary(session)
    assert all(vocabulary.find_field(vocabulary.accounts, name) for name in _FIELDS)
    assert DEFAULT_RULES["needed"]["people"] == 2
