from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from abm.accounts.models import AccountEvent
from abm.analysis.actions import run_analysis
from abm.audit.models import AuditEntry
from abm.meetings.agenda import build_agenda
from abm.plans.actions import answer_question, decide_review, open_review, propose_reviews
from abm.plans.models import AccountReview
from abm.plans.proposing import Facts, propose
from abm.plans.qualifying import qualify_accounts
from core.errors import InvalidInput, Refused
from tests.factories import make_account, make_order

TODAY = date(2026, 6, 1)
KEY = {"value_12m": 100.0, "value_before": 100.0, "abc": "A", "share": 0.2, "rhythm": "active", "overdue_ratio": 0.5,
       "days_since_last": 5, "tier": "1", "has_ordered": True, "gates": {}, "failed": ()}


@pytest.fixture(autouse=True)
def _today(at):
    at(datetime(2026, 6, 1, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("changes", "proposal", "says"),
    [
        ({}, "keep", "100 against 100 before (+0 %)"),
        ({"value_before": 143}, "downgrade", "(-30 %)"),
        ({"value_before": 142}, "keep", "(-30 %)"),
        ({"value_12m": 20, "rhythm": "lapsed", "overdue_ratio": 3}, "drop", "(-80 %)"),
        ({"value_12m": 20, "rhythm": "slowing", "overdue_ratio": 1.5}, "downgrade", "(-80 %)"),
        ({"rhythm": "lapsed", "overdue_ratio": 2.5}, "downgrade", "2.5 times its usual gap"),
        ({"value_12m": 0, "value_before": 0}, "drop", "no sales in two years"),
        ({"value_before": 0}, "keep", "none in the twelve before"),
        ({"abc": "B"}, "downgrade", "class B with 20.0 % of all value, but tier 1"),
        ({"abc": "B", "tier": "2"}, "keep", "100 against"),
        ({"gates": {"partnership": "no"}}, "downgrade", "wish for a long-term partnership: no"),
        ({"has_ordered": False, "value_12m": 0, "value_before": 0, "abc": None, "rhythm": None,
          "failed": ("Can it pay",)}, "drop", "can it pay"),
        ({"has_ordered": False, "value_12m": 0, "value_before": 0, "abc": None, "rhythm": None}, "keep", "nothing"),
        ({"failed": ("Can it pay",)}, "keep", "100 against"),
    ],
)
def test_the_gravest_reason_is_proposed_with_its_numbers(changes, proposal, says):
    found, reasons = propose(Facts(**{**KEY, **changes}))
    assert found == proposal
    assert any(says in reason.text for reason in reasons if reason.speaks_for == proposal)


def buyer(session, *, this_year=100, before=100, **values):
    account = make_account(session, **values)
    make_order(session, account, on=TODAY - timedelta(days=10), amount=str(this_year))
    make_order(session, account, on=TODAY - timedelta(days=400), amount=str(before))
    return account


def test_key_accounts_are_proposed_once_and_others_not(session):
    key = buyer(session, tier="1")
    make_account(session, tier="2")
    by_gates = make_account(session)
    for question in ("potential", "complexity", "partnership"):
        answer_question(session, account_id=by_gates.id, question=question, answer="yes", evidence="x")
    assert {review.account_id for review in propose_reviews(session)} == {key.id, by_gates.id}
    assert propose_reviews(session) == []


def test_the_largest_accounts_are_reviewed_even_where_nobody_chose_key_accounts(session):
    accounts = [buyer(session, this_year=100 + number) for number in range(25)]
    run_analysis(session)
    found = {review.account_id for review in propose_reviews(session)}
    assert found == {account.id for account in accounts[5:]}


def test_sales_are_of_the_twelve_months_before_the_analysis_day(session):
    account = buyer(session, this_year=50, before=200, tier="1")
    run_analysis(session, as_of=TODAY)
    (review,) = propose_reviews(session)
    assert (review.account_id, review.value_12m, review.proposal) == (account.id, 50, "downgrade")
    assert "50 against 200 before (-75 %)" in review.reasons[0]["text"]


def test_a_decision_is_recorded_carried_out_and_asked_again_on_its_day(session, at):
    account = buyer(session, tier="1")
    (review,) = propose_reviews(session)
    decide_review(session, review_id=review.id, decision="downgrade", why="Only one branch buys",
                  next_review_on=date(2026, 12, 1))
    assert (account.tier, review.tier_before, review.tier_after) == ("2", "1", "2")
    assert propose_reviews(session) == []
    event = session.scalars(select(AccountEvent).where(AccountEvent.kind == "review")).one()
    assert (event.title, event.text) == ("Review: downgrade (proposed: keep)", "Only one branch buys")
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "review.decide")).one()


def test_a_kept_account_is_asked_again_and_the_history_stays(session, at):
    account = buyer(session, tier="1")
    (first,) = propose_reviews(session)
    decide_review(session, review_id=first.id, decision="keep", why="Grows", next_review_on=date(2026, 12, 1))
    at(datetime(2026, 11, 30, 10, tzinfo=UTC))
    assert propose_reviews(session) == []
    at(datetime(2026, 12, 1, 10, tzinfo=UTC))
    (second,) = propose_reviews(session)
    assert second.account_id == account.id
    assert session.scalars(select(AccountReview.why).where(AccountReview.decided_at.is_not(None))).all() == ["Grows"]


def test_a_dropped_account_goes_to_the_lowest_tier_and_is_not_asked_again(session, at):
    account = buyer(session, tier="1")
    (review,) = propose_reviews(session)
    decide_review(session, review_id=review.id, decision="drop", why="Closed down", next_review_on=None)
    assert account.tier == "3"
    account.tier = "1"
    session.flush()
    at(datetime(2030, 1, 1, tzinfo=UTC))
    assert propose_reviews(session) == []


def test_the_tier_stays_where_that_is_wished(session):
    account = buyer(session, tier="1")
    (review,) = propose_reviews(session)
    decide_review(session, review_id=review.id, decision="downgrade", why="x", next_review_on=date(2026, 9, 1),
                  changes_tier=False)
    assert account.tier == "1"


@pytest.mark.parametrize(("values", "field"), [
    ({"decision": "perhaps"}, "decision"), ({"why": " "}, "why"), ({"next_review_on": None}, "next_review_on"),
    ({"next_review_on": TODAY}, "next_review_on")])
def test_a_decision_without_reason_or_day_is_refused(session, values, field):
    buyer(session, tier="1")
    (review,) = propose_reviews(session)
    given = {"decision": "keep", "why": "x", "next_review_on": date(2026, 9, 1), **values}
    with pytest.raises(InvalidInput) as refused:
        decide_review(session, review_id=review.id, **given)
    assert field in refused.value.fields
    assert review.decided_at is None


def test_a_review_is_decided_once(session):
    buyer(session, tier="1")
    (review,) = propose_reviews(session)
    for expected in (None, Refused):
        if expected is None:
            decide_review(session, review_id=review.id, decision="drop", why="x", next_review_on=None)
        else:
            with pytest.raises(expected):
                decide_review(session, review_id=review.id, decision="keep", why="x", next_review_on=date(2027, 1, 1))


def test_a_review_can_be_opened_by_hand_for_any_account(session):
    account = make_account(session)
    qualify_accounts(session)
    review = open_review(session, account_id=account.id)
    assert review.proposal == "keep"
    assert open_review(session, account_id=account.id).id == review.id


def test_the_weekly_agenda_lists_what_waits(session):
    account = buyer(session, tier="1", name="Acme")
    propose_reviews(session)
    item = next(one for one in build_agenda(session, since=None)["items"] if one["key"] == "reviews")
    assert [(row["title"], row["account_id"]) for row in item["rows"]] == [("Acme", account.id)]
    assert "proposed: keep" in item["rows"][0]["facts"]
