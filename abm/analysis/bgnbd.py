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
_STARTS = (np.zeros(4), np.array([-1.0, 1.0, 0.0, 1.0]), np.array([1.0, 3.0, -2.0, 2.0]))


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
    if not np.any(x > 0):
        return None
    sample = _Sample.of(x, t_x_days, observed_days)
    scouts = [_maximise(start, sample.thinned()) for start in _STARTS]
    best = _maximise(min(scouts, key=lambda scout: scout.fun).x, sample)
    log_likelihood = -float(best.fun) * len(x)
    r, alpha, a, b = np.exp(best.x).tolist()
    return Fit(r, alpha, a, b, log_likelihood, _is_identifiable(best, sample))


def _maximise(start: Floats, sample: "_Sample") -> Any:
    from scipy.optimize import minimize

    return minimize(_mean_loss, start, args=(sample,), jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 4,
                    options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1000})


@dataclass(frozen=True)
class _Sample:
    """Distinct customers with their weight (summing to 1). Few values of x occur, so the costly functions of x are
    computed once per value (`counts`) and spread over the customers (`which`)."""

    x: Ints
    t_x: Floats
    observed: Floats
    weight: Floats
    counts: Ints
    which: Ints

    @classmethod
    def of(cls, x: Ints, t_x_days: Ints, observed_days: Ints) -> "_Sample":
        cases, weight = np.unique(np.column_stack([x, t_x_days, observed_days]), axis=0, return_counts=True)
        return cls._from(cases[:, 0], cases[:, 1] / DAYS_PER_WEEK, cases[:, 2] / DAYS_PER_WEEK, weight)

    @classmethod
    def _from(cls, x: Ints, t_x: Floats, observed: Floats, weight: Floats | Ints) -> "_Sample":
        counts, which = np.unique(x, return_inverse=True)
        return cls(x, t_x, observed, weight / weight.sum(), counts, which)

    def thinned(self, at_most: int = 5_000) -> "_Sample":
        """An even sample of the distinct customers, enough to find where the maximum lies."""
        step = -(-len(self.x) // at_most)
        return self._from(self.x[::step], self.t_x[::step], self.observed[::step], self.weight[::step])


def _mean_loss(log_params: Floats, sample: _Sample) -> tuple[float, Floats]:
    """Minus the weighted log-likelihood and its gradient in ln(r, alpha, a, b).

    ln L = lnG(r+x) - lnG(r) + r ln(alpha) + lnB(a, b+x) - lnB(a, b) - (r+x) ln(alpha+T) + ln(1 + D), where for x > 0
    D = a / (b+x-1) * ((alpha+T) / (alpha+t_x))^(r+x), else 0 (their equation 6, divided through).
    """
    from scipy.special import betaln, digamma, expit, gammaln

    r, alpha, a, b = params = np.exp(log_params)
    x, t_x, observed, counts, which = sample.x, sample.t_x, sample.observed, sample.counts, sample.which
    log_odds = _log_dropout_odds(params, x, t_x, observed)
    by_count = gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + betaln(a, b + counts) - betaln(a, b)
    value = by_count[which] - (r + x) * np.log(alpha + observed) + np.logaddexp(0, log_odds)
    gone = expit(log_odds)
    last = np.where(x > 0, 1 / (b + np.maximum(x, 1) - 1), 0.0)
    at_end, at_last = 1 / (alpha + observed), 1 / (alpha + t_x)
    by_r = (digamma(r + counts) - digamma(r))[which] + np.log(alpha * at_end) + gone * np.log(at_last / at_end)
    by_alpha = r / alpha - (r + x) * at_end + gone * (r + x) * (at_end - at_last)
    both = (digamma(a + b) - digamma(a + b + counts))[which]
    by_b = (digamma(b + counts) - digamma(b))[which] + both - gone * last
    by_a = both + gone / a
    gradient = np.array([(by * sample.weight).sum() for by in (by_r, by_alpha, by_a, by_b)]) * params
    return -float((value * sample.weight).sum()), -gradient


def _log_dropout_odds(params: Floats, x: Ints, t_x: Floats, observed: Floats) -> Floats:
    """ln of the odds that the customer is gone; minus infinity without a repeat (nobody can leave before)."""
    r, alpha, a, b = params
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (np.log(alpha + observed) - np.log(alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def _is_identifiable(best: Any, sample: _Sample) -> bool:
    if np.any(np.abs(best.x) > BOUND - BOUND_MARGIN):
        return False
    gradient = _mean_loss(best.x, sample)[1]
    if not best.success and np.max(np.abs(gradient)) > 1e-5:
        return False
    step = 1e-4
    hessian = np.array([
        (_mean_loss(best.x + step * unit, sample)[1] - _mean_loss(best.x - step * unit, sample)[1]) / (2 * step)
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
