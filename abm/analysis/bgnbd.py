"""BG/NBD: is a customer still a customer? By maximum likelihood.

Source of every formula: P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers the Easy Way: An Alternative
to the Pareto/NBD Model", Marketing Science 24 (2005), 275-284. x = order days - 1, t_x = time of the last order day,
T = time observed, both since the first order day and in weeks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from abm.analysis.abc_xyz import Floats, Ints

BOUND = 9.0
BOUND_MARGIN = 0.01
HARDLY_ANY_DROPOUT = 0.01
DAYS_PER_WEEK = 7.0
_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, 1.0, 0.0, 1.0), (1.0, 3.0, -2.0, 2.0))


@dataclass(frozen=True)
class Fit:
    """Estimates with their log-likelihood. `is_identifiable`: converged, no ln(parameter) within 0.01 of the bounds
    +-9, Hessian positive definite."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    is_identifiable: bool

    @property
    def dropout_per_order(self) -> float:
        """The mean chance that a customer leaves after an order, a / (a + b)."""
        return self.a / (self.a + self.b)


def fit(x: Ints, t_x_days: Ints, observed_days: Ints) -> Fit | None:
    """Fit on whole days; None where nobody came back, so that there is nothing to fit."""
    from scipy.optimize import minimize

    if not np.any(x > 0):
        return None
    cases, weight = np.unique(np.column_stack([x, t_x_days, observed_days]), axis=0, return_counts=True)
    sample = (cases[:, 0], cases[:, 1] / DAYS_PER_WEEK, cases[:, 2] / DAYS_PER_WEEK, weight / weight.sum())
    attempts = [
        minimize(_mean_loss, start, args=sample, jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 4,
                 options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000})
        for start in _STARTS
    ]
    best = min(attempts, key=lambda attempt: attempt.fun)
    log_likelihood = -float(best.fun) * int(weight.sum())
    r, alpha, a, b = np.exp(best.x).tolist()
    return Fit(r, alpha, a, b, log_likelihood, _is_identifiable(best, sample))


def _mean_loss(log_params: Floats, x: Ints, t_x: Floats, observed: Floats, weight: Floats) -> tuple[float, Floats]:
    """Minus the weighted log-likelihood and its gradient in ln(r, alpha, a, b).

    ln L = lnG(r+x) - lnG(r) + r ln(alpha) + lnB(a, b+x) - lnB(a, b) - (r+x) ln(alpha+T) + ln(1 + D), where for x > 0
    D = a / (b+x-1) * ((alpha+T) / (alpha+t_x))^(r+x), else 0 (their equation 6, divided through).
    """
    from scipy.special import betaln, digamma, expit, gammaln

    r, alpha, a, b = params = np.exp(log_params)
    log_odds = _log_dropout_odds(params, x, t_x, observed)
    value = (gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
             - (r + x) * np.log(alpha + observed) + np.logaddexp(0, log_odds))
    gone, back = expit(log_odds), x > 0
    last = np.where(back, 1 / (b + np.maximum(x, 1) - 1), 0.0)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - np.log(alpha + observed) + gone * np.log(
        (alpha + observed) / (alpha + t_x))
    by_alpha = (r / alpha - (r + x) / (alpha + observed)
                + gone * (r + x) * (1 / (alpha + observed) - 1 / (alpha + t_x)))
    both = digamma(a + b) - digamma(a + b + x)
    by_b = digamma(b + x) - digamma(b) + both - gone * last
    gradient = np.array([by_r @ weight, by_alpha @ weight, (both + gone / a) @ weight, by_b @ weight]) * params
    return -float(value @ weight), -gradient


def _log_dropout_odds(params: Floats, x: Ints, t_x: Floats, observed: Floats) -> Floats:
    """ln of the odds that the customer is gone; minus infinity without a repeat (nobody can leave before)."""
    r, alpha, a, b = params
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (np.log(alpha + observed) - np.log(alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def _is_identifiable(best: Any, sample: tuple[Ints, Floats, Floats, Floats]) -> bool:
    if np.any(np.abs(best.x) > BOUND - BOUND_MARGIN):
        return False
    gradient = _mean_loss(best.x, *sample)[1]
    if not best.success and np.max(np.abs(gradient)) > 1e-5:
        return False
    step = 1e-4
    hessian = np.array([
        (_mean_loss(best.x + step * unit, *sample)[1] - _mean_loss(best.x - step * unit, *sample)[1]) / (2 * step)
        for unit in np.eye(4)
    ])
    return bool(np.linalg.eigvalsh((hessian + hessian.T) / 2).min() > 0)


def p_alive(model: Fit, x: Ints, t_x_days: Ints, observed_days: Ints) -> Floats:
    """The chance that each customer is still active; 1 without a repeat order, as the model has it."""
    from scipy.special import expit

    params = np.array([model.r, model.alpha, model.a, model.b])
    alive: Floats = expit(-_log_dropout_odds(params, x, t_x_days / DAYS_PER_WEEK, observed_days / DAYS_PER_WEEK))
    return alive


def expected_orders(model: Fit, x: Ints, t_x_days: Ints, observed_days: Ints, *, ahead_days: float) -> Floats:
    """Order days expected in the next `ahead_days` (their equation 10).

    The hypergeometric term is written by Pfaff's transformation,
    (1-z)^A 2F1(A, B; C; z) = 2F1(A, C-B; C; z/(z-1)), which does not overflow for frequent buyers or long
    horizons.
    """
    from scipy.special import hyp2f1

    a = model.a if abs(model.a - 1) > 1e-6 else 1 + 1e-6
    observed, ahead = observed_days / DAYS_PER_WEEK, ahead_days / DAYS_PER_WEEK
    shape = a + model.b + x - 1
    kept = hyp2f1(model.r + x, a - 1, shape, -ahead / (model.alpha + observed))
    expected: Floats = shape / (a - 1) * (1 - kept) * p_alive(model, x, t_x_days, observed_days)
    return expected
