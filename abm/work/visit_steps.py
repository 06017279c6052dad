"""The eight steps of a visit and how strictly they were walked: pure."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

# Name, title, what it means; in the order in which they are walked.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("prepare", "Prepare", "Read the account, set an aim, know what to offer and what was promised last time."),
    ("look_outside", "Look from outside", "Premises, traffic, what competitors show: before anybody sees you."),
    ("greet", "Greet", "Whoever decides, and whoever lets you in."),
    ("look_inside", "Look inside", "What stands where, what has changed since the last visit."),
    ("check_stock", "Check the stock", "What is there, what runs out, what does not move."),
    ("recommend", "Recommend an order", "From what you have seen, with amounts."),
    ("take_order", "Take the order", "Or the reason why there is none."),
    ("goodbye", "Say goodbye", "Who does what by when, and the next date."),
)
NAMES = tuple(name for name, _title, _meaning in STEPS)

OUTCOMES = {
    "met": "Met",
    "order": "Met, and ordered",
    "meeting": "Met, and the next meeting is agreed",
    "not_interested": "Met, not interested",
    "not_there": "Nobody was there",
    "cancelled": "The visit was called off",
}
EXPENSES = {"travel": "Travel", "lodging": "Lodging", "meals": "Meals", "gifts": "Gifts and samples", "other": "Other"}
MET = frozenset({"met", "order", "meeting", "not_interested"})


def walked(ticks: Mapping[str, Any]) -> list[str]:
    """The steps that were ticked, in the order of their ticking. `ticks`: by step a mapping with `at`."""
    return sorted((name for name in ticks if name in NAMES), key=lambda name: (ticks[name]["at"], NAMES.index(name)))


def strictness(order: Sequence[str]) -> int:
    """Percent of the eight steps that were walked in their order: the longest part of the walk that never goes back,
    over eight. All eight in order are 100, all eight backwards 12."""
    ends: list[int] = []
    for place in (NAMES.index(name) for name in order):
        at = bisect_left(ends, place)
        ends[at:at + 1] = [place]
    return int(100 * len(ends) / len(NAMES))
