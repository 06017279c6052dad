from fractions import Fraction
from math import log

import numpy as np
import pytest

from abm.analysis.gamma_gamma import Spend, correlation, expected_mean_value, fit
from tests.abm.analysis.companies import read


@pytest.fixture(scope="module")
def cdnow() -> Spend:
    rows = read("cdnow", "customers.csv")
    found = fit(np.array([int(row["frequency_x"]) for row in rows]),
                np.array([float(row["mean_repeat_spend"] or 0) for row in rows]))
    assert found is not None
    return found


def test_cdnow_gives_the_published_estimates(cdnow: Spend) -> None:
    """Fader and Hardie (2013): p = 6.25, q = 3.74, gamma = 15.44, LL = -4055.92, correlation 0.11, 946 buyers."""
    assert (round(cdnow.p, 2), round(cdnow.q, 2), round(cdnow.gamma, 2)) == (6.25, 3.74, 15.44)
    assert cdnow.log_likelihood == pytest.approx(-4055.92, abs=0.01)
    assert (cdnow.customers, round(cdnow.correlation or 0, 2), cdnow.is_identifiable) == (946, 0.11, True)


def test_the_expected_value_lies_between_the_own_mean_and_everybodys() -> None:
    """In exact fractions: weight of the own mean p x / (p x + q - 1), of the population's q - 1 over the same."""
    p, q, gamma, m, x = Fraction(25, 4), Fraction(15, 4), Fraction(77, 5), Fraction(40), 3
    weight = p * x / (p * x + q - 1)
    expected = (1 - weight) * (p * gamma / (q - 1)) + weight * m
    model = Spend(float(p), float(q), float(gamma), 0.0, 0.0, 10, True)
    own, nobody = expected_mean_value(model, np.array([x, 0]), np.array([float(m), 0.0]))
    assert own == pytest.approx(float(expected), rel=1e-14)
    assert nobody == pytest.approx(float(p * gamma / (q - 1)), rel=1e-14)


def test_the_likelihood_is_that_of_the_density_written_out(cdnow: Spend) -> None:
    """Equation 1a by plain sums of logs for whole p x, where gamma functions are factorials."""
    from math import lgamma

    rows = [row for row in read("cdnow", "customers.csv") if int(row["frequency_x"])]
    total = 0.0
    for row in rows:
        x, m = int(row["frequency_x"]), float(row["mean_repeat_spend"])
        p, q, g = cdnow.p, cdnow.q, cdnow.gamma
        total += (lgamma(p * x + q) - lgamma(p * x) - lgamma(q) + q * log(g) + (p * x - 1) * log(m) + p * x * log(x)
                  - (p * x + q) * log(g + m * x)) if m > 0 else 0.0
    assert total == pytest.approx(cdnow.log_likelihood, abs=1e-6)


def test_fewer_than_three_repeat_buyers_are_not_modelled() -> None:
    assert fit(np.array([0, 1, 2]), np.array([0.0, 5.0, 6.0])) is None


def test_the_correlation_of_two_lines_is_one() -> None:
    assert correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 30])) == pytest.approx(1)
    assert correlation(np.array([1.0, 1, 1]), np.array([10.0, 20, 30])) is None
