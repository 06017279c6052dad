import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abm.scorecards.scoring import places, ramp, weighted_means

NOTHING = float("nan")
points = st.one_of(st.none(), st.floats(0, 100))
rows = st.lists(st.tuples(points, points, points), min_size=1, max_size=20)
weights = st.lists(st.floats(0, 50), min_size=3, max_size=3)


def array(values):
    return np.array([[NOTHING if one is None else one for one in row] for row in values], dtype=float)


@pytest.mark.parametrize(
    ("row", "own_weights", "score", "coverage"),
    [
        ([80, 40], [60, 40], 64, 1),
        ([80, None], [60, 40], 80, 0.6),
        ([None, 40], [60, 40], 40, 0.4),
        ([None, None], [60, 40], NOTHING, 0),
        ([80, None], [0, 40], NOTHING, 0),
        ([80, 20], [0, 40], 20, 1),
        ([80, 20], [0, 0], NOTHING, 0),
    ],
)
def test_the_score_is_over_the_weights_that_have_a_value(row, own_weights, score, coverage):
    found = weighted_means(array([row]), np.array(own_weights, dtype=float))
    np.testing.assert_allclose(found[0], [score])
    np.testing.assert_allclose(found[1], [coverage])


@given(rows, weights)
def test_the_score_is_what_plain_sums_give(values, own):
    score, coverage = weighted_means(array(values), np.array(own))
    for place, row in enumerate(values):
        pairs = [(w, p) for w, p in zip(own, row, strict=True) if p is not None]
        carried = sum(w for w, _ in pairs)
        if carried > 1e-6:
            assert score[place] == pytest.approx(sum(w * p for w, p in pairs) / carried, abs=1e-6)
        assert 0 <= coverage[place] <= 1


@given(rows, weights, st.floats(0.01, 100))
def test_all_weights_times_the_same_number_change_nothing(values, own, factor):
    assume(sum(own) > 1e-3)
    once = weighted_means(array(values), np.array(own))
    again = weighted_means(array(values), np.array(own) * factor)
    np.testing.assert_allclose(again[1], once[1], atol=1e-9)
    known = once[1] > 1e-6
    np.testing.assert_allclose(again[0][known], once[0][known], atol=1e-6)


@given(rows, weights, st.integers(0, 2), st.floats(0, 100))
def test_more_points_in_a_criterion_never_lower_the_score(values, own, column, more):
    before = array(values)
    after = before.copy()
    after[:, column] = np.minimum(100, after[:, column] + more)
    low, high = weighted_means(before, np.array(own))[0], weighted_means(after, np.array(own))[0]
    known = ~np.isnan(low)
    assert (high[known] >= low[known] - 1e-9).all()


@pytest.mark.parametrize(("score", "member"), [(39, 0), (40, 0), (65, 0.5), (90, 1), (100, 1), (NOTHING, NOTHING)])
def test_membership_is_a_ramp_between_the_thresholds(score, member):
    np.testing.assert_allclose(ramp(np.array([score]), 40, 90), [member])


def test_membership_is_a_step_where_both_thresholds_are_one():
    np.testing.assert_allclose(ramp(np.array([49.0, 50, NOTHING]), 50, 50), [0, 1, NOTHING])


def test_places_go_by_score_then_coverage_then_id_and_leave_out_who_is_little_known():
    score = np.array([70, 90, 70, 70, NOTHING, 99.0])
    coverage = np.array([0.8, 1, 1, 0.8, 0, 0.4])
    found = places(score, coverage, np.array([11, 12, 13, 10, 14, 15]), 0.5)
    assert found.tolist() == [4, 1, 2, 3, 0, 0]
