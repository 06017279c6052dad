from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from abm.scorecards.back_test import judge_scores, spearman
from abm.scorecards.scoring import score_accounts
from abm.scorecards.trials import compare, run_back_test
from core.errors import InvalidInput, Refused
from tests.abm.scorecards.companies import definition_of, make_scorecard
from tests.factories import make_account, make_order


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=50))
def test_rank_correlation_is_spearmans(pairs):
    one, other = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = spearman(one, other)
    if len(set(one)) < 2 or len(set(other)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)


def test_the_best_tenth_is_held_against_past_sales_and_the_best_there_could_be():
    score = np.arange(20, 0, -1.0)
    later = np.array([30, 10, *[1] * 16, 2, 42], dtype=float)
    past = np.arange(20.0)
    verdict = judge_scores(score, past, later)
    assert (verdict.accounts, verdict.top, verdict.revenue) == (20, 2, 100)
    assert verdict.caught == pytest.approx(0.40)
    assert verdict.caught_by_past_sales == pytest.approx(0.44)
    assert verdict.best_possible == pytest.approx(0.72)
    assert sum(verdict.by_tenth) == pytest.approx(1)


def test_accounts_tied_at_the_line_count_with_their_mean():
    verdict = judge_scores(np.full(10, 5.0), np.arange(10.0), np.array([100.0, *[0.0] * 9]))
    assert verdict.caught == pytest.approx(0.1)


def test_nothing_to_judge_says_so():
    verdict = judge_scores(np.empty(0), np.empty(0), np.empty(0))
    assert (verdict.accounts, verdict.caught, verdict.rank_correlation) == (0, None, None)


def test_a_back_test_scores_by_what_was_known_on_the_day(session):
    rising, falling, newcomer = (make_account(session) for _ in range(3))
    make_order(session, rising, on=date(2025, 1, 10), amount="10")
    make_order(session, falling, on=date(2025, 2, 10), amount="500")
    make_order(session, rising, on=date(2025, 9, 10), amount="900")
    make_order(session, newcomer, on=date(2025, 9, 11), amount="50")
    scorecard = make_scorecard(session)
    found = run_back_test(session, scorecard=scorecard, definition=definition_of(), as_of=date(2025, 3, 1), months=12)
    assert (found.verdict.accounts, found.verdict.revenue) == (2, 900)
    assert found.verdict.rank_correlation == pytest.approx(-1)
    assert found.of_today == ()


def test_a_back_test_says_which_criteria_are_of_today(session):
    from abm.scorecards.actions import Rating, rate_account

    account = make_account(session)
    make_order(session, account, on=date(2025, 1, 10))
    make_order(session, account, on=date(2025, 9, 10))
    scorecard = make_scorecard(session)
    rate_account(session, scorecard=scorecard, account_id=account.id, ratings={"trust": Rating(50)})
    found = run_back_test(session, scorecard=scorecard, definition=definition_of(), as_of=date(2025, 3, 1), months=6)
    assert found.of_today == ("Trust",)


def test_a_day_without_orders_on_one_side_is_refused(session):
    scorecard = make_scorecard(session, is_published=False)
    with pytest.raises(Refused, match="import orders"):
        run_back_test(session, scorecard=scorecard, definition=definition_of(), as_of=None, months=6)
    make_order(session, make_account(session), on=date(2025, 1, 10))
    with pytest.raises(InvalidInput):
        run_back_test(session, scorecard=scorecard, definition=definition_of(), as_of=date(2026, 1, 1), months=6)


def test_a_comparison_names_who_moves_enters_and_leaves():
    ids = np.array([1, 2, 3])
    scaled = np.array([[90.0, 10.0], [50.0, 60.0], [10.0, np.nan]])
    before = score_accounts(scaled, definition_of().with_weights({"sales": 1, "trust": 0}), ids)
    after = score_accounts(scaled, definition_of().with_weights({"sales": 0, "trust": 1}), ids)
    found = compare(ids, before, after)
    assert (found.ranked_before, found.ranked_after, found.same_place) == (3, 2, 0)
    assert {(move.account_id, move.place_before, move.place_after) for move in found.moves} == {
        (1, 1, 2), (2, 2, 1), (3, 3, 0)}
