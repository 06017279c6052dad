"""Comparing two groups of an experiment: differences with their intervals, the split, and what could be seen at all.

Pure: plain numbers in, plain numbers out. Intervals hold 95 %, tests are two-sided at 5 %, power is 80 %.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE, ALPHA, POWER = 0.95, 0.05, 0.8
SPLIT_ALPHA = 0.001  # below it a split is called uneven: it is looked at often, so a stricter line than 5 %
_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `size` units did something."""

    size: int
    hits: int

    @property
    def share(self) -> float | None:
        return self.hits / self.size if self.size else None


@dataclass(frozen=True, slots=True)
class Amounts:
    """So many units with the sum of their amounts and of the amounts' squares."""

    size: int
    total: float
    squares: float

    @property
    def mean(self) -> float | None:
        return self.total / self.size if self.size else None

    @property
    def variance(self) -> float | None:
        """Of the sample (n - 1); None below two units."""
        if self.size < 2:
            return None
        return max(self.squares - self.total * self.total / self.size, 0.0) / (self.size - 1)

    @property
    def deviation(self) -> float:
        """The standard deviation of the sample; 0 below two units."""
        return math.sqrt(self.variance or 0.0)


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second group, the ends of its interval, and the chance of at least such a difference without one."""

    value: float
    low: float
    high: float
    p_value: float

    @property
    def includes_none(self) -> bool:
        """Whether no difference at all lies within the interval."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Split:
    """How units fell into groups against their shares. `is_uneven`: hardly by chance, so the comparison is not fair."""

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    chi_squared: float
    p_value: float

    @property
    def is_uneven(self) -> bool:
        return self.p_value < SPLIT_ALPHA


def compare_rates(first: Rate, second: Rate) -> Difference | None:
    """Difference of two shares; None when a group is empty.

    Interval: Newcombe's hybrid score (Newcombe 1998, Statistics in Medicine 17:873, method 10), which keeps its promise
    for small groups and shares near 0 and 1. p: the pooled two-proportion z test.
    """
    one, two = first.share, second.share
    if one is None or two is None:
        return None
    low_1, high_1 = wilson_interval(first)
    low_2, high_2 = wilson_interval(second)
    value = one - two
    low, high = value - math.hypot(one - low_1, high_2 - two), value + math.hypot(high_1 - one, two - low_2)
    return Difference(value, low, high, _p_of_rates(first, second))


def wilson_interval(rate: Rate) -> tuple[float, float]:
    """The score interval of one share (Wilson 1927, JASA 22:209)."""
    size, share, square = rate.size, rate.hits / rate.size, _Z * _Z
    middle = (share + square / (2 * size)) / (1 + square / size)
    reach = _Z / (1 + square / size) * math.sqrt(share * (1 - share) / size + square / (4 * size * size))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _p_of_rates(first: Rate, second: Rate) -> float:
    pooled = (first.hits + second.hits) / (first.size + second.size)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / first.size + 1 / second.size))
    if not spread:
        return 1.0
    return math.erfc(abs(first.hits / first.size - second.hits / second.size) / spread / math.sqrt(2))


def compare_amounts(first: Amounts, second: Amounts) -> Difference | None:
    """Difference of two means by Welch's t (Welch 1947, Biometrika 34:28); None unless both have two units or more."""
    if first.size < 2 or second.size < 2:
        return None
    value = first.total / first.size - second.total / second.size
    parts = [(group.variance or 0.0) / group.size for group in (first, second)]
    spread = math.sqrt(sum(parts))
    if not spread:
        return Difference(value, value, value, 0.0 if value else 1.0)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (first.size - 1) + parts[1] ** 2 / (second.size - 1))
    reach = _t_quantile(freedom) * spread
    return Difference(value, value - reach, value + reach, _p_of_t(abs(value) / spread, freedom))


def _t_quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))


def _p_of_t(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -t))


def check_split(observed: Mapping[str, int], expected: Mapping[str, float]) -> Split | None:
    """Pearson's chi-squared of the counts against shares or counts of any sum (sample ratio mismatch: Fabijan et al.
    2019, KDD). None with fewer than two groups that should have some, or nothing observed."""
    total, whole = sum(observed.values()), sum(expected.values())
    meant = {name: total * part / whole for name, part in expected.items() if part > 0} if whole else {}
    if len(meant) < 2 or not total:
        return None
    counts = {name: observed.get(name, 0) for name in meant}
    chi_squared = sum((counts[name] - mean) ** 2 / mean for name, mean in meant.items())
    return Split(counts, meant, chi_squared, chi_squared_tail(chi_squared, len(meant) - 1))


def chi_squared_tail(value: float, freedom: int) -> float:
    """The chance of at least `value`: Q(freedom / 2, value / 2) by Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1)
    (Abramowitz and Stegun 26.4.4 to 26.4.6)."""
    half = value / 2
    order, tail = (0.5, math.erfc(math.sqrt(half))) if freedom % 2 else (1.0, math.exp(-half))
    while order < freedom / 2:
        tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1)) if half else 0.0
        order += 1
    return min(tail, 1.0)


def smallest_rate_effect(first: int, second: int, base: float) -> float | None:
    """The smallest rise over the second group's share `base` that groups of these sizes show with 80 % power.

    Solves the sample size formula of the two-proportion z test (Fleiss, Levin and Paik 2003, eq. 4.14 without the
    continuity correction). None where even a rise to 100 % could be missed, or a group is empty.
    """
    if not first or not second or not _would_show(first, second, base, 1.0):
        return None
    low, high = base, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _would_show(first, second, base, middle) else (middle, high)
    return high - base


def _would_show(first: int, second: int, base: float, raised: float) -> bool:
    pooled = (first * raised + second * base) / (first + second)
    without = math.sqrt(pooled * (1 - pooled) * (1 / first + 1 / second))
    with_it = math.sqrt(raised * (1 - raised) / first + base * (1 - base) / second)
    return raised - base >= _Z * without + _NORMAL.inv_cdf(POWER) * with_it and raised > base


def smallest_amount_effect(first: int, second: int, deviation: float) -> float | None:
    """The smallest difference of means at 80 % power, for this standard deviation in both groups (normal
    approximation); None when a group is empty."""
    if not first or not second:
        return None
    return (_Z + _NORMAL.inv_cdf(POWER)) * deviation * math.sqrt(1 / first + 1 / second)
