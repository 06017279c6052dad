from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import select, text

from abm.accounts.models import AccountEvent
from abm.analysis.actions import run_analysis
from abm.audit.models import AuditEntry
from abm.scorecards.actions import (
    Rating,
    apply_scorecard,
    compute_scores,
    publish_scorecard,
    rate_account,
    roll_back_scorecard,
    set_weights,
    ship_scorecards,
)
from abm.scorecards.computing import compute_values, get_values
from abm.scorecards.explaining import explain_score
from abm.scorecards.jobs import compute_one, compute_stale
from abm.scorecards.measures import MEASURES, load_measures
from abm.scorecards.models import AccountScore, Scorecard, ScorecardVersion
from abm.scorecards.queries import draft_of, get_published, list_stale_ids
from abm.targets.compile import select_account_ids
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from core import db
from core.errors import InvalidInput, NotFound, Refused
from tests.abm.analysis.companies import load_company
from tests.abm.scorecards.companies import SALES_AND_TRUST, definition_of, make_buyers, make_scorecard
from tests.factories import make_account, make_contact, make_order


def scores(session, scorecard):
    version = get_published(session, scorecard)
    rows = session.scalars(select(AccountScore).where(AccountScore.version_id == version.id))
    return {row.account_id: row for row in rows}


def measured(session, accounts, *names):
    definition_of()
    ids = np.array(sorted(account.id for account in accounts))
    return load_measures(session, names=names, account_ids=ids).tolist()


def test_publishing_scores_every_account(session):
    small, middle, large = make_buyers(session, 10, 20, 30)
    found = scores(session, make_scorecard(session))
    assert [found[one.id].score for one in (small, middle, large)] == [0, 50, 100]
    assert [found[one.id].place for one in (small, middle, large)] == [3, 2, 1]
    assert found[middle.id].coverage == pytest.approx(0.6)
    assert found[middle.id].membership == pytest.approx(0.2)


def test_an_account_of_which_too_little_is_known_has_no_place(session):
    make_buyers(session, 10, 20)
    stranger = make_account(session)
    own = scores(session, make_scorecard(session))[stranger.id]
    assert (own.score, own.coverage, own.place) == (None, 0, None)


def test_a_rating_moves_the_score_and_is_told_on_the_timeline(session):
    small, _large = make_buyers(session, 10, 30)
    scorecard = make_scorecard(session)
    rate_account(session, scorecard=scorecard, account_id=small.id, ratings={"trust": Rating(100, "Visit in May")})
    compute_scores(session, scorecard=scorecard)
    assert scores(session, scorecard)[small.id].score == pytest.approx(40)
    event = session.scalars(select(AccountEvent).where(AccountEvent.account_id == small.id)).one()
    assert event.text == "Trust: Much: Visit in May"
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "scorecard.rate")).one()


@pytest.mark.parametrize(("name", "points"), [("trust", 51), ("sales", 50), ("nothing", 0)])
def test_only_levels_of_criteria_by_hand_can_be_given(session, name, points):
    account = make_buyers(session, 10)[0]
    with pytest.raises(InvalidInput):
        rate_account(session, scorecard=make_scorecard(session), account_id=account.id, ratings={name: Rating(points)})


def test_a_rating_can_be_taken_back(session):
    account = make_buyers(session, 10, 20)[0]
    scorecard = make_scorecard(session)
    for points in (100, None):
        rate_account(session, scorecard=scorecard, account_id=account.id, ratings={"trust": Rating(points)})
    compute_scores(session, scorecard=scorecard)
    assert scores(session, scorecard)[account.id].coverage == pytest.approx(0.6)


def test_the_parts_of_a_score_add_up_to_it(session):
    small, middle, _large = make_buyers(session, 10, 20, 30)
    scorecard = make_scorecard(session)
    rate_account(session, scorecard=scorecard, account_id=middle.id, ratings={"trust": Rating(100)})
    compute_scores(session, scorecard=scorecard)
    values = get_values(session, scorecard_id=scorecard.id, definition=definition_of())
    for account in (small, middle):
        found = explain_score(session, scorecard=scorecard, definition=definition_of(), values=values,
                              account_id=account.id)
        assert sum(part.contribution or 0 for part in found.parts) == pytest.approx(found.score)
        assert found.score == pytest.approx(scores(session, scorecard)[account.id].score)
    assert found.parts[1].words == "Much"
    assert found.parts[0].raw == 20


def test_a_draft_scores_nothing_before_it_is_published(session):
    small, _middle, large = make_buyers(session, 10, 20, 30)
    scorecard = make_scorecard(session)
    rate_account(session, scorecard=scorecard, account_id=small.id, ratings={"trust": Rating(100)})
    set_weights(session, scorecard=scorecard, weights={"sales": 1, "trust": 99})
    compute_scores(session, scorecard=scorecard)
    assert scores(session, scorecard)[large.id].place == 1
    publish_scorecard(session, scorecard=scorecard, note="Trust first")
    assert scores(session, scorecard)[small.id].score == pytest.approx(99)
    assert scorecard.published_number == 2


def test_rolling_back_lets_the_earlier_version_score_and_keeps_both(session):
    small, _large = make_buyers(session, 10, 30)
    scorecard = make_scorecard(session)
    set_weights(session, scorecard=scorecard, weights={"sales": 0, "trust": 100})
    publish_scorecard(session, scorecard=scorecard)
    assert scores(session, scorecard)[small.id].score is None
    roll_back_scorecard(session, scorecard=scorecard, number=1)
    assert scores(session, scorecard)[small.id].score == 0
    assert draft_of(scorecard) == definition_of()
    assert len(session.scalars(select(ScorecardVersion)).all()) == 2
    with pytest.raises(Refused):
        roll_back_scorecard(session, scorecard=scorecard, number=1)
    with pytest.raises(NotFound):
        roll_back_scorecard(session, scorecard=scorecard, number=9)


def test_publishing_the_same_twice_is_refused(session):
    scorecard = make_scorecard(session)
    with pytest.raises(Refused, match="Nothing has changed"):
        publish_scorecard(session, scorecard=scorecard)


def test_all_weights_zero_are_refused(session):
    with pytest.raises(InvalidInput):
        set_weights(session, scorecard=make_scorecard(session), weights={"sales": 0, "trust": 0})


def test_shipping_twice_changes_nothing(session):
    make_buyers(session, 10, 20)
    assert len(ship_scorecards(session)) == 5
    golden = session.scalars(select(Scorecard).where(Scorecard.name == "golden-key")).one()
    set_weights(session, scorecard=golden, weights={"potential": 77})
    assert ship_scorecards(session) == []
    assert draft_of(golden).criterion("potential").weight == 77


def test_twelve_months_of_orders_are_measured(session):
    end = date(2026, 6, 30)
    account, other, idle = (make_account(session) for _ in range(3))
    make_order(session, account, on=end, amount="100", margin_amount=Decimal(30))
    make_order(session, account, on=end - timedelta(days=364), amount="60", margin_amount=Decimal(10))
    make_order(session, account, on=end - timedelta(days=365), amount="40")
    make_order(session, account, on=end - timedelta(days=730), amount="999")
    make_order(session, other, on=end - timedelta(days=500), amount="70")
    names = ("orders.value_12m", "orders.margin_share", "orders.growth", "orders.orders_12m", "orders.average_order")
    rows = measured(session, [account, other, idle], *names)
    np.testing.assert_allclose(rows[0], [160, 0.25, 3, 2, 80])
    np.testing.assert_allclose(rows[1], [0, np.nan, -1, 0, np.nan])
    assert np.isnan(rows[2]).all()


def test_people_sites_and_custom_fields_are_measured(session):
    parent = make_account(session, custom={"shelf": "12.5", "mood": "good"}, employees=40)
    site = make_account(session, parent_id=parent.id)
    make_contact(session, parent, buying_role="decision_maker", attitude="supporter", influence=4)
    make_contact(session, parent, buying_role="user", attitude="sceptic", lawful_basis="none")
    make_contact(session, parent, buying_role="user", is_active=False)
    names = ("people.known", "people.reachable", "people.roles", "people.completeness", "people.supporters",
             "people.influence", "account.sites", "account.employees", "custom.shelf", "custom.mood")
    rows = measured(session, [parent, site], *names)
    np.testing.assert_allclose(rows[0], [2, 1, 2, 50, 0.5, 4, 1, 40, 12.5, np.nan])
    np.testing.assert_allclose(rows[1], [0, 0, 0, 0, np.nan, 0, 0, np.nan, np.nan, np.nan])


def test_the_analysis_as_of_a_past_day_is_what_an_analysis_of_that_day_gave(session):
    load_company(session, "northwind")
    definition_of()
    names = ["analysis.value", "analysis.overdue_ratio", "analysis.r", "analysis.cv"]
    day = date(1997, 6, 30)
    account_ids = compute_values(session, scorecard_id=0, definition=definition_of()).account_ids
    past = load_measures(session, names=names, account_ids=account_ids, as_of=day)
    run_analysis(session, as_of=day)
    np.testing.assert_allclose(load_measures(session, names=names, account_ids=account_ids), past)


def test_every_measure_can_be_loaded(session):
    load_company(session, "northwind")
    run_analysis(session)
    definition_of()
    ids = compute_values(session, scorecard_id=0, definition=definition_of()).account_ids
    found = load_measures(session, names=list(MEASURES), account_ids=ids)
    assert found.shape == (len(ids), len(MEASURES))
    assert not np.isnan(found[:, list(MEASURES).index("analysis.value")]).all()


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("scorecard.sales-and-trust", "at_least", 50, {"B20", "B30"}),
        ("scorecard.sales-and-trust.place", "at_most", 1, {"B30"}),
        ("scorecard.sales-and-trust.member", "more_than", 0.1, {"B20", "B30"}),
        ("scorecard.sales-and-trust.coverage", "less_than", 0.5, set()),
        ("scorecard.sales-and-trust", "is_empty", True, set()),
    ],
)
def test_lists_may_ask_for_scores(session, field, operator, value, expected):
    accounts = {account.id: account.external_id for account in make_buyers(session, 10, 20, 30)}
    make_scorecard(session)
    rule = read_rules({"field": field, operator: value}, get_vocabulary(session))
    found = session.scalars(select_account_ids(rule, None, make_scope(session)))
    assert {accounts[one] for one in found} == expected


def test_a_list_that_asks_for_a_scorecard_that_is_not_there_is_refused_with_the_nearest(session):
    make_scorecard(session)
    with pytest.raises(InvalidInput, match="sales-and-trust"):
        read_rules({"field": "scorecard.sales-and-thrust", "at_least": 5}, get_vocabulary(session))


def test_the_clock_computes_again_what_has_changed_and_nothing_else(database, queue_server):
    with db.transaction() as session:
        buyers = make_buyers(session, 10, 20)
        scorecard = make_scorecard(session)
    compute_stale()
    with db.transaction() as session:
        assert list_stale_ids(session) == []
        newcomer = make_account(session)
        make_order(session, newcomer, on=date(2026, 6, 2), amount="99")
        assert scorecard.id in list_stale_ids(session)
    compute_one(scorecard.id)
    with db.reading() as session:
        found = scores(session, session.get(Scorecard, scorecard.id))
        assert found[newcomer.id].place == 1
        assert found[buyers[0].id].place == 3


def test_applying_a_changed_file_changes_the_draft_only(session):
    scorecard = make_scorecard(session)
    changed = {**SALES_AND_TRUST, "title": "Another"}
    apply_scorecard(session, definition=definition_of(changed))
    assert scorecard.title == "Another"
    assert get_published(session, scorecard).definition["title"] == "Sales and trust"


def test_computing_again_touches_only_the_scores_that_differ(session):
    accounts = make_buyers(session, 10, 20, 30)
    scorecard = make_scorecard(session)
    session.execute(text("DELETE FROM account_change"))
    compute_scores(session, scorecard=scorecard)
    assert noted(session) == []
    rate_account(session, scorecard=scorecard, account_id=accounts[2].id, ratings={"trust": Rating(100)})
    session.delete(accounts[0])
    session.flush()
    session.execute(text("DELETE FROM account_change"))
    compute_scores(session, scorecard=scorecard)
    found = scores(session, scorecard)
    assert {one: row.place for one, row in found.items()} == {accounts[1].id: 2, accounts[2].id: 1}
    assert noted(session) == sorted(one.id for one in accounts[1:])


def noted(session):
    return sorted(session.scalars(text("SELECT account_id FROM account_change WHERE kind = 'account_score'")))
