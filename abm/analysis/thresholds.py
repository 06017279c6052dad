"""The lines that classes are drawn by: settings of the company, kept with every run so that it can be repeated.

Three groups: value (ABC, key membership, top share), steadiness (XYZ, new), rhythm and season; plus the lines of the
share/growth matrix and of the models' guards.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.errors import InvalidInput


@dataclass(frozen=True)
class Thresholds:
    """Every line with its default. Shares are between 0 and 1."""

    a_below: float = 0.80
    b_below: float = 0.95
    key_full_until: float = 0.70
    key_none_from: float = 0.90
    top_share: float = 0.20
    x_up_to: float = 0.5
    y_up_to: float = 1.0
    new_below_periods: int = 4
    active_up_to: float = 1.0
    slowing_up_to: float = 2.0
    known_from_order_days: int = 3
    season_years: int = 2
    share_line: float = 0.25
    growth_line: float = 0.10
    most_correlation: float = 0.30

    def stored(self) -> dict[str, Any]:
        """As JSON, to be kept with a run."""
        return asdict(self)


_WHOLE = frozenset({"new_below_periods", "known_from_order_days", "season_years"})
_SHARES = frozenset({"a_below", "b_below", "key_full_until", "key_none_from", "top_share"})
# (lower, higher): the first may not be above the second.
_ORDERED = (("a_below", "b_below"), ("key_full_until", "key_none_from"), ("x_up_to", "y_up_to"),
            ("active_up_to", "slowing_up_to"))


def read_thresholds(stored: Mapping[str, Any] | None) -> Thresholds:
    """From stored JSON; what is missing has its default, what is unknown is ignored."""
    known = {item.name for item in fields(Thresholds)}
    return Thresholds(**{name: value for name, value in (stored or {}).items() if name in known})


def parse_thresholds(form: Mapping[str, str]) -> Thresholds:
    """From a form. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    values = {item.name: _number(form, item.name, errors) for item in fields(Thresholds)}
    for low, high in _ORDERED:
        if not {low, high} & set(errors) and values[low] > values[high]:
            errors[high] = f"This line must not be below the one before it, {values[low]:g}"
    if errors:
        raise InvalidInput("The thresholds were not saved", errors)
    return read_thresholds({name: int(value) if name in _WHOLE else value for name, value in values.items()})


def _number(form: Mapping[str, str], name: str, errors: dict[str, str]) -> float:
    try:
        value = float(form.get(name, "").strip().replace(",", "."))
    except ValueError:
        value = float("nan")
    low, high = (0.0, 1.0) if name in _SHARES else (-1.0, 10.0) if name == "growth_line" else (0.0, 1000.0)
    if name in _WHOLE:
        low = 1.0
        if value != value or value != int(value):
            value = float("nan")
    if not low <= value <= high or (value == 0 and name == "top_share"):
        errors[name] = f"A {'whole ' if name in _WHOLE else ''}number from {low:g} to {high:g}"
        return 0.0
    return value
