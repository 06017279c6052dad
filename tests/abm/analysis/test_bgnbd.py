"""Against published values, and against the likelihood written down independently."""

import numpy as np
import pytest

from abm.analysis import bgnbd
from tests.abm.analysis.companies import read

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def cdnow() -> Sample:
    rows = read("cdnow", "customers.csv")
    return (
        np.array([int(row["frequency_x"]) for row in rows]),
        np.array([round(float(row["recency_tx_weeks"]) * 7) for row in rows]),
        np.array([round(float(row["T_weeks"]) * 7) for row in rows]),
    )


@pytest.fixture(scope="module")
def model(cdnow: Sample) -> bgnbd.Fit:
    found = bgnbd.fit(*cdnow)
    assert found is not None
    return found


def test_the_cdnow_sample_gives_the_published_estimates(model: bgnbd.Fit) -> None:
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert model.is_identifiable


def test_expected_orders_agree_with_the_authors_worked_example(model: bgnbd.Fit) -> None:
    """x = 2, t_x = 30.43, T = 38.86, 39 weeks ahead: 1.226 (Fader, Hardie and Lee's spreadsheet note)."""
    expected = bgnbd.expected_orders(model, np.array([2]), np.array([213]), np.array([272]), ahead_days=39 * 7)
    assert expected[0] == pytest.approx(1.226, abs=5e-4)


def test_customers_without_a_repeat_are_expected_at_the_published_rate(cdnow: Sample, model: bgnbd.Fit) -> None:
    """Their table of conditional expectations: 0.23 for x = 0 in the next 39 weeks."""
    expected = bgnbd.expected_orders(model, *cdnow, ahead_days=39 * 7)
    assert expected[cdnow[0] == 0].mean() == pytest.approx(0.23, abs=0.006)


def test_gradient_is_that_of_the_likelihood() -> None:
    from scipy.optimize import approx_fprime

    sample = bgnbd._Sample.of(np.array([0, 1, 2, 9]), np.array([0, 21, 210, 140]), np.array([70, 140, 266, 154]))
    point = np.array([0.3, 1.2, -0.7, 0.5])
    numeric = approx_fprime(point, lambda at: bgnbd._mean_loss(at, sample)[0], 1e-7)
    assert bgnbd._mean_loss(point, sample)[1] == pytest.approx(numeric, abs=1e-5)


def test_near_regular_buyers_do_not_identify_the_model() -> None:
    buyers = np.full(40, 12)
    found = bgnbd.fit(buyers, buyers * 30, buyers * 30 + np.arange(40) % 30)
    assert found is not None
    assert not found.is_identifiable


def test_nothing_is_fitted_where_nobody_came_back() -> None:
    assert bgnbd.fit(np.zeros(5, dtype=int), np.zeros(5, dtype=int), np.arange(5)) is None


def test_a_customer_without_a_repeat_is_alive_as_the_model_has_it(model: bgnbd.Fit) -> None:
    assert bgnbd.p_alive(model, np.array([0]), np.array([0]), np.array([500])).tolist() == [1.0]


def test_silence_lowers_the_chance_of_being_alive(model: bgnbd.Fit) -> None:
    alive = bgnbd.p_alive(model, np.array([5, 5, 5]), np.array([100, 100, 100]), np.array([100, 150, 400]))
    assert alive[0] > alive[1] > alive[2] > 0


def test_frequent_buyers_and_long_horizons_do_not_overflow(model: bgnbd.Fit) -> None:
    expected = bgnbd.expected_orders(model, np.array([3000]), np.array([3600]), np.array([3650]), ahead_days=3650)
    assert 0 < expected[0] < 4000
