"""How much of the value a few accounts bring: share of the top fifth, Gini, Lorenz curve."""

import numpy as np
from numpy.typing import NDArray

from abm.analysis.abc_xyz import Floats, Ints

Points = list[tuple[float, float]]


FIFTH = 0.20


def top_count(accounts: int, part: float = FIFTH) -> int:
    """How many accounts are the top part (a fifth unless set otherwise), rounded up; exact for parts written with at
    most six decimals."""
    millionths = round(part * 1_000_000)
    return -(-accounts * millionths // 1_000_000)


def top_share(values: NDArray[np.number], part: float = FIFTH) -> float | None:
    """The share of all value that the top 20 % of the accounts (count rounded up) bring. None without value."""
    ordered = np.sort(_positive(values))[::-1]
    if not ordered.size:
        return None
    return float(ordered[: top_count(ordered.size, part)].sum() / ordered.sum())


def by_period(sums: Floats, period: Ints, part: float = FIFTH) -> list[tuple[int, int, float | None, float | None]]:
    """(period, accounts with value, top share, Gini) of every period that occurs, in order. `sums[i]` is what one
    account brought in `period[i]`."""
    order = np.argsort(period, kind="stable")
    numbers, starts = np.unique(period[order], return_index=True)
    groups = np.split(sums[order], starts[1:])
    return [(int(number), int((group > 0).sum()), top_share(group, part), gini(group))
            for number, group in zip(numbers, groups, strict=True)]


def gini(values: NDArray[np.number]) -> float | None:
    """Gini coefficient, 0 (all alike) to 1 - 1/n. None without value.

    sum((2i - n - 1) x_i) / (n sum x), x ascending, i from 1.
    """
    ordered = np.sort(_positive(values)).astype(np.float64)
    n = ordered.size
    if not n:
        return None
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum()))


def lorenz_points(values: NDArray[np.number], *, at_most: int = 200, part: float = FIFTH) -> Points:
    """(share of accounts, share of value), largest accounts first, from (0, 0) to (1, 1), thinned for drawing."""
    ordered = np.sort(_positive(values))[::-1]
    n = ordered.size
    if not n:
        return [(0.0, 0.0), (1.0, 1.0)]
    shares = np.cumsum(ordered) / ordered.sum()
    chosen = sorted({top_count(n, part) - 1, *np.unique(np.linspace(0, n - 1, min(n, at_most)).astype(int)).tolist()})
    return [(0.0, 0.0), *(((i + 1) / n, float(shares[i])) for i in chosen)]


def _positive(values: NDArray[np.number]) -> NDArray[np.number]:
    return values[values > 0]
