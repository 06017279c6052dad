import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from abm.scorecards.definition import Criterion, Step
from abm.scorecards.scaling import scale_values

NOTHING = float("nan")
UP_BANDS = (Step(0, 10), Step(100, 40), Step(1000, 90))
DOWN_BANDS = (Step(0.02, 100), Step(0.1, 50))


def criterion(**values):
    return Criterion(**{"id": "x", "title": "X", "weight": 1.0, "by": "analysis.value", **values})


@pytest.mark.parametrize(
    ("given_values", "own", "points"),
    [
        ([0, 50, 100, 200], {"scale": "min-max", "low": 0, "high": 100}, [0, 50, 100, 100]),
        ([0, 50, 100, -5], {"scale": "min-max", "low": 0, "high": 100, "direction": "down"}, [100, 50, 0, 100]),
        ([2, 4, NOTHING], {"scale": "min-max"}, [0, 100, NOTHING]),
        ([7, 7], {"scale": "min-max"}, [50, 50]),
        ([-1, 0, 99.9, 100, 5000], {"scale": "bands", "steps": UP_BANDS}, [0, 10, 10, 40, 90]),
        ([0, 0.02, 0.05, 0.2], {"scale": "bands", "steps": DOWN_BANDS, "direction": "down"}, [100, 100, 50, 0]),
        ([0, 33, 100, NOTHING], {"scale": "levels", "by": "hand"}, [0, 33, 100, NOTHING]),
        ([5], {"scale": "percentile"}, [50]),
        ([1, 2, 3, 4, 5], {"scale": "percentile"}, [0, 25, 50, 75, 100]),
        ([1, 2, 2, 3], {"scale": "percentile", "direction": "down"}, [100, 50, 50, 0]),
        ([NOTHING, NOTHING], {"scale": "percentile"}, [NOTHING, NOTHING]),
    ],
)
def test_values_become_points_as_the_scale_says(given_values, own, points):
    found = scale_values(np.array(given_values, dtype=float), criterion(**own))
    np.testing.assert_allclose(found, points)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=60))
def test_percentiles_are_those_of_mean_ranks(values):
    expected = (rankdata(values, method="average") - 1) / (len(values) - 1) * 100
    np.testing.assert_allclose(scale_values(np.array(values, dtype=float), criterion()), expected)


scales = st.sampled_from([
    {"scale": "percentile"}, {"scale": "min-max"}, {"scale": "min-max", "low": -10, "high": 30},
    {"scale": "bands", "steps": UP_BANDS}])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), scales)
def test_more_is_never_worse_where_more_is_better(values, own):
    points = scale_values(np.array(values), criterion(**own))
    order = np.argsort(values, kind="stable")
    assert (np.diff(points[order]) >= -1e-9).all()
    assert ((points >= 0) & (points <= 100)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
       st.sampled_from([{"scale": "percentile"}, {"scale": "min-max"}, {"scale": "bands", "steps": DOWN_BANDS}]))
def test_more_is_never_better_where_less_is_better(values, own):
    points = scale_values(np.array(values), criterion(direction="down", **own))
    assert (np.diff(points[np.argsort(values, kind="stable")]) <= 1e-9).all()
