"""How much of the value a few accounts bring: share of the top fifth, Gini, Lorenz curve."""

import numpy as np
from numpy.typing import NDArray

Points = list[tuple[float, float]]


def top_count(accounts: int) -> int:
    """A fifth of the accounts, rounded up."""
    return -(-accounts // 5)


def top_share(values: NDArray[np.number]) -> float | None:
    """The share of all value that the top 20 % of the accounts (count rounded up) bring. None without value."""
    ordered = np.sort(_positive(values))[::-1]
    if not ordered.size:
        return None
    return float(ordered[: top_count(ordered.size)].sum() / ordered.sum())


def gini(values: NDArray[np.number]) -> float | None:
    """Gini coefficient, 0 (all alike) to 1 - 1/n. None without value.

    sum((2i - n - 1) x_i) / (n sum x), x ascending, i from 1.
    """
    ordered = np.sort(_positive(values)).astype(np.float64)
    n = ordered.size
    if not n:
        return None
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum()))


def lorenz_points(values: NDArray[np.number], *, at_most: int = 200) -> Points:
    """(share of accounts, share of value), largest accounts first, from (0, 0) to (1, 1), thinned for drawing."""
    ordered = np.sort(_positive(values))[::-1]
    n = ordered.size
    if not n:
        return [(0.0, 0.0), (1.0, 1.0)]
    shares = np.cumsum(ordered) / ordered.sum()
    chosen = sorted({top_count(n) - 1, *np.unique(np.linspace(0, n - 1, min(n, at_most)).astype(int)).tolist()})
    return [(0.0, 0.0), *(((i + 1) / n, float(shares[i])) for i in chosen)]


def _positive(values: NDArray[np.number]) -> NDArray[np.number]:
    return values[values > 0]
