"""RFM, concentration and rhythm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.analysis.concentration import gini, lorenz_points, top_count, top_share
from abm.analysis.rfm import quintile_lines, scores
from abm.analysis.rhythm import gaps_between, medians_by_account, rhythm_labels

numbers = st.lists(st.integers(-1000, 1000), min_size=1, max_size=80)


@given(numbers)
def test_quintile_lines_are_linear_quantiles(values: list[int]) -> None:
    assert quintile_lines(np.array(values)).tolist() == pytest.approx(
        np.quantile(values, [0.2, 0.4, 0.6, 0.8]).tolist()
    )


@given(numbers)
def test_equal_values_share_a_score_and_more_is_never_less(values: list[int]) -> None:
    scored = dict(sorted(zip(values, scores(np.array(values)).tolist(), strict=True)))
    assert list(scored.values()) == sorted(scored.values())
    assert set(scored.values()) <= {1, 2, 3, 4, 5}


def test_scores_count_the_lines_strictly_below() -> None:
    assert scores(np.array([1, 2, 3, 4, 5, 6])).tolist() == [1, 1, 2, 3, 4, 5]


def test_recency_is_scored_on_negated_days_not_turned_round_afterwards() -> None:
    days = np.array([0, 0, 0, 10, 100])
    assert scores(-days).tolist() == [3, 3, 3, 2, 1]


@pytest.mark.parametrize(("accounts", "top"), [(1, 1), (5, 1), (6, 2), (89, 18), (91, 19), (85, 17), (100, 20)])
def test_a_fifth_is_rounded_up(accounts: int, top: int) -> None:
    assert top_count(accounts) == top


def test_gini_of_equals_is_nothing_and_of_a_monopoly_nearly_everything() -> None:
    assert gini(np.array([3, 3, 3])) == pytest.approx(0)
    assert gini(np.array([1e-9, 1e-9, 1e-9, 100])) == pytest.approx(0.75)


def test_concentration_of_nothing_does_not_exist() -> None:
    assert (top_share(np.array([0.0])), gini(np.array([]))) == (None, None)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=300))
def test_lorenz_curve_runs_through_the_top_share(values: list[int]) -> None:
    points = lorenz_points(np.array(values), at_most=20)
    wanted = (top_count(len(values)) / len(values), top_share(np.array(values)))
    assert any(point == pytest.approx(wanted) for point in points)
    assert (points[0], points[-1]) == ((0, 0), pytest.approx((1, 1)))


def test_gaps_never_lie_between_two_accounts() -> None:
    gaps, account = gaps_between(np.array([1, 4, 9, 2, 7]), np.array([0, 0, 0, 1, 1]))
    assert (gaps.tolist(), account.tolist()) == ([3, 5, 5], [0, 0, 1])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400)), max_size=60))
def test_medians_are_those_of_each_account(pairs: list[tuple[int, int]]) -> None:
    account, gaps = np.array([a for a, _ in pairs], dtype=int), np.array([g for _, g in pairs], dtype=int)
    medians = medians_by_account(gaps, account, accounts=6)
    for number in range(6):
        own = gaps[account == number]
        assert medians[number] == np.median(own) if own.size else np.isnan(medians[number])


@pytest.mark.parametrize(
    ("ratio", "order_days", "expected"),
    [
        (1.0, 3, "active"),
        (1.01, 3, "slowing"),
        (2.0, 9, "slowing"),
        (2.01, 3, "lapsed"),
        (9.0, 2, "unknown"),
        (np.nan, 1, "unknown"),
    ],
)
def test_rhythm_needs_three_order_days(ratio: float, order_days: int, expected: str) -> None:
    assert rhythm_labels(np.array([ratio]), np.array([order_days])).tolist() == [expected]
