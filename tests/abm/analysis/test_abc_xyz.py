from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.analysis.abc_xyz import (
    Period,
    abc_classes,
    coefficients_of_variation,
    period_label,
    period_numbers,
    proposed_period,
    rank_by_value,
    xyz_classes,
)
from abm.analysis.order_days import number_of


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (0.0, "A"),
        (0.7999, "A"),
        (0.8, "B"),
        (0.8 - 1e-13, "B"),
        (0.9499, "B"),
        (0.95, "C"),
        (0.999, "C"),
    ],
)
def test_class_depends_on_the_share_that_stands_before(before: float, expected: str) -> None:
    assert abc_classes(np.array([before])).tolist() == [expected]


def test_the_account_that_crosses_the_line_is_still_in_the_upper_class() -> None:
    ranking = rank_by_value(np.array([79, 10, 7, 4]), ["a", "b", "c", "d"])
    assert ranking.abc.tolist() == ["A", "A", "B", "C"]
    assert ranking.cumulative_share.tolist() == pytest.approx([0.79, 0.89, 0.96, 1.0])


def test_ties_are_ranked_by_the_id_as_text() -> None:
    ranking = rank_by_value(np.array([10, 10, 10]), ["9", "10", "2"])
    assert np.argsort(ranking.cumulative_share).tolist() == [1, 2, 0]


def test_accounts_without_value_are_unranked() -> None:
    ranking = rank_by_value(np.array([5, 0, -3]), ["a", "b", "c"])
    assert ranking.abc.tolist() == ["A", "", ""]
    assert np.isnan(ranking.share[1:]).all()


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_shares_add_up_and_classes_never_rise_down_the_ranking(values: list[int]) -> None:
    ranking = rank_by_value(np.array(values), [f"{n:03}" for n in range(len(values))])
    ranked = np.array(values) > 0
    by_rank = np.lexsort((np.arange(len(values)), -np.array(values)))[: ranked.sum()]
    assert "".join(ranking.abc[by_rank]) == "".join(sorted(ranking.abc[ranked]))
    if ranked.any():
        assert ranking.share[ranked].sum() == pytest.approx(1)


def test_empty_periods_count_as_zero_in_the_variation() -> None:
    cv = coefficients_of_variation(np.array([6.0, 6.0, 12.0]), np.array([0, 0, 1]), accounts=2, periods=4)
    assert cv.tolist() == pytest.approx([np.std([6, 6, 0, 0]) / 3, np.std([12, 0, 0, 0]) / 3])


@pytest.mark.parametrize(
    ("cv", "expected"), [(0.0, "X"), (0.5, "X"), (0.5001, "Y"), (1.0, "Y"), (1.0001, "Z"), (np.nan, "")]
)
def test_xyz_lines(cv: float, expected: str) -> None:
    assert xyz_classes(np.array([cv])).tolist() == [expected]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (3.0, Period.MONTH),
        (30.0, Period.MONTH),
        (31.0, Period.QUARTER),
        (91.0, Period.QUARTER),
        (92.0, Period.HALF_YEAR),
        (900.0, Period.HALF_YEAR),
        (None, Period.HALF_YEAR),
    ],
)
def test_proposed_period_is_the_shortest_not_below_the_median_gap(gap: float | None, expected: Period) -> None:
    assert proposed_period(gap) is expected


@pytest.mark.parametrize(
    ("on", "period", "label"),
    [
        (date(1996, 7, 4), Period.MONTH, "1996-07"),
        (date(1998, 1, 1), Period.QUARTER, "1998 Q1"),
        (date(1969, 12, 31), Period.QUARTER, "1969 Q4"),
        (date(2026, 7, 1), Period.HALF_YEAR, "2026 H2"),
    ],
)
def test_days_fall_into_calendar_periods(on: date, period: Period, label: str) -> None:
    number = period_numbers(np.array([number_of(on)]), period)[0]
    assert period_label(number, period) == label
