"""Where the largest ones stand in the share/growth matrix, as numbers between 0 and 1. Pure.

Share is drawn on a log scale with the large ones at the left, as the Boston Consulting Group does; growth is cut at
-100 % and +200 %, so that a few that started from nearly nothing do not flatten the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log10
from typing import Any

MOST_GROWTH, LEAST_GROWTH = 2.0, -1.0
_LOWEST = 0.001


@dataclass(frozen=True)
class Dot:
    """One account or thing. `size` is a radius whose area goes with the value."""

    id: int
    name: str
    quadrant: str
    x: float
    y: float
    size: float
    value: float
    share: float
    growth: float
    link: str = ""


def place_share(share: float, lowest: float) -> float:
    """0 at the left for the largest (twice the largest other), 1 at the right for the smallest drawn."""
    span = log10(2 / lowest)
    return min(max(log10(2 / max(share, lowest)) / span, 0.0), 1.0)


def place_growth(growth: float) -> float:
    return (min(max(growth, LEAST_GROWTH), MOST_GROWTH) - LEAST_GROWTH) / (MOST_GROWTH - LEAST_GROWTH)


def draw(rows: Iterable[Any], *, share_line: float, growth_line: float) -> dict[str, Any]:
    """`rows` have id, name, quadrant, year_value, year_before_value and relative_share; those that grew from nothing,
    have no share or bring a loss are left out."""
    shown = [row for row in rows if (row.relative_share or 0) > 0 and (row.year_before_value or 0) > 0]
    lowest = max(min((row.relative_share for row in shown), default=0.01), _LOWEST) * 0.9
    lowest = min(lowest, share_line * 0.5)
    largest = max((row.year_value for row in shown), default=1.0)
    dots = [Dot(row.id, row.name, row.quadrant, place_share(row.relative_share, lowest),
                place_growth(growth := row.year_value / row.year_before_value - 1),
                3 + 13 * (row.year_value / largest) ** 0.5, row.year_value, row.relative_share, growth)
            for row in shown]
    ticks = [tick for tick in (2, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.001) if tick >= lowest]
    return {"dots": dots, "share_line": place_share(share_line, lowest), "growth_line": place_growth(growth_line),
            "x_ticks": [(place_share(tick, lowest), f"{tick:g}") for tick in ticks],
            "y_ticks": [(place_growth(tick), f"{tick * 100:+.0f}") for tick in (-1, -0.5, 0, 0.5, 1, 1.5, 2)]}
