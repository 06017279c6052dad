"""Gamma-Gamma: what will an order day of this customer bring? By maximum likelihood.

Source: P. S. Fader and B. G. S. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equations 1a and 5. x = order
days - 1 (those with at least one), m = mean value of these repeat days. The model supposes that value does not depend
on frequency; their correlation is its guard.
"""

from dataclasses import dataclass

import numpy as np

from abm.analysis.abc_xyz import Floats, Ints

BOUND = 14.0
BOUND_MARGIN = 0.01
_FEWEST = 3


@dataclass(frozen=True)
class Spend:
    """Estimates with their log-likelihood. `is_identifiable`: converged, inside the bounds, q > 1 (else the mean does
    not exist). `scale`: values were divided by it before fitting; gamma is in the values' own unit."""

    p: float
    q: float
    gamma: float
    log_likelihood: float
    correlation: float | None
    customers: int
    is_identifiable: bool


def fit(x: Ints, mean_value: Floats) -> Spend | None:
    """Fit to the customers with a repeat day above zero; None with fewer than three of them."""
    from scipy.optimize import minimize

    used = (x > 0) & (mean_value > 0)
    if used.sum() < _FEWEST:
        return None
    repeats, value = x[used].astype(np.float64), mean_value[used]
    scale = float(np.median(value))
    counts, which = np.unique(repeats, return_inverse=True)
    best = min((minimize(_mean_loss, start, args=(repeats, value / scale, counts, which), jac=True, method="L-BFGS-B",
                         bounds=[(-BOUND, BOUND)] * 3, options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000})
                for start in (np.zeros(3), np.array([1.8, 1.3, 0.5]))), key=lambda found: found.fun)
    p, q, gamma = np.exp(best.x).tolist()
    count = int(used.sum())
    inside = bool(np.all(np.abs(best.x) < BOUND - BOUND_MARGIN))
    converged = bool(best.success) or float(np.max(np.abs(best.jac))) < 1e-5
    log_likelihood = -float(best.fun) * count - count * float(np.log(scale))
    is_identifiable = inside and converged and q > 1
    return Spend(p, q, gamma * scale, log_likelihood, correlation(repeats, value), count, is_identifiable)


def _mean_loss(log_params: Floats, x: Floats, m: Floats, counts: Floats, which: Ints) -> tuple[float, Floats]:
    """Minus the mean log-likelihood and its gradient in ln(p, q, gamma) (their equation 1a)."""
    from scipy.special import digamma, gammaln

    p, q, gamma = params = np.exp(log_params)
    px, log_sum = p * x, np.log(gamma + m * x)
    by_count = gammaln(p * counts + q) - gammaln(p * counts)
    own = (px - 1) * np.log(m) + px * np.log(x) - (px + q) * log_sum
    value = by_count[which] - gammaln(q) + q * np.log(gamma) + own
    both = digamma(p * counts + q)
    by_p = x * ((both - digamma(p * counts))[which] + np.log(m * x) - log_sum)
    by_q = both[which] - digamma(q) + np.log(gamma) - log_sum
    by_gamma = q / gamma - (px + q) / (gamma + m * x)
    gradient = np.array([by.mean() for by in (by_p, by_q, by_gamma)]) * params
    return -float(value.mean()), -gradient


def correlation(x: Floats, m: Floats) -> float | None:
    """Pearson's correlation of repeat days and mean value; None where one of them does not vary."""
    if x.size < _FEWEST or np.ptp(x) == 0 or np.ptp(m) == 0:
        return None
    return float(np.corrcoef(x, m)[0, 1])


def expected_mean_value(model: Spend, x: Ints, mean_value: Floats) -> Floats:
    """The value expected of an order day of each customer: between its own mean and everybody's (their equation 5)."""
    known = np.where((x > 0) & (mean_value > 0), mean_value, 0.0)
    repeats = np.where(known > 0, x, 0)
    value: Floats = model.p * (model.gamma + known * repeats) / (model.p * repeats + model.q - 1)
    return value
