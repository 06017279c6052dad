"""What shares are of: the value of those that are ranked. Whoever brings nothing or a loss has no share. Pure: from the
run's stored totals and facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Whole:
    """`value` is what the ranked bring together; `unranked` is how many bring nothing or a loss, `unranked_value` what
    theirs comes to."""

    value: float
    unranked: int
    unranked_value: float


def whole_of(totals: Mapping[str, Any], facts: Mapping[str, Any]) -> Whole:
    """Every ranked one stands in a cell, so the cells add up to all that shares are of."""
    value = float(sum(cell["value"] for cell in facts["cells"].values()))
    return Whole(value, totals["accounts"] - facts["ranked"], totals["value"] - value)


def gain_of(group: Mapping[str, Any]) -> float:
    """What those of a group bring that bring anything; runs made before losses were told apart know only the sum."""
    return float(group.get("gain", group["value"]))


def share_of(group: Mapping[str, Any], whole: float) -> float | None:
    """A group's part of the whole; None where there is nothing to be a part of."""
    return gain_of(group) / whole if whole > 0 else None
