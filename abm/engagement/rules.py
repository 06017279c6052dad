"""The rules of engagement as plain values: points, decay, limits, and when an account is qualified.

Points of an event now = points x max(0, 1 - age / decay days), linear. Within a group (conversation, reading, orders)
an account's points are cut at the group's limit, so that a hundred clicks are never a conversation.

Qualified: fit >= F(tier) and points >= T(tier, size) and at least so many people in 30 days, and no conversation or
opportunity open (locked to an owner), and not cooling down. Fit is 100 times the key membership of the latest analysis.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from core.errors import InvalidInput

KINDS = {"reply": "A reply", "click": "A click by a person", "open": "An open by a person", "call": "A call answered",
         "visit": "A visit held", "order": "An order"}
GROUPS = ("conversation", "reading", "orders")
WINDOW_DAYS, PEOPLE_DAYS = 90, 30
DEFAULT_RULES: dict[str, Any] = {
    "points": {"reply": 10, "click": 3, "open": 1, "call": 8, "visit": 12, "order": 15},
    "group": {"reply": "conversation", "call": "conversation", "visit": "conversation", "click": "reading",
              "open": "reading", "order": "orders"},
    "limits": {"conversation": 60, "reading": 20, "orders": 30},
    "decay_days": 90,
    "fading": {"fallen_to": 0.5, "longer_from": 1.5, "fewest_touches": 4, "fewest_answers": 2},
    "needed": {"fit": 0, "fit_by_tier": {}, "points": 30, "points_by_tier": {}, "people": 2, "large_from": 1000,
               "large_factor": 1.5},
}


@dataclass(frozen=True)
class Facts:
    """What the expression of one account is evaluated on."""

    tier: str | None
    employees: int | None
    fit: float
    points: float
    people: int
    is_locked: bool
    is_cooling: bool


def read_rules(text: str) -> dict[str, Any]:
    """Rules from YAML, defaults filled in. Raises InvalidInput that names what is wrong."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput("This is not YAML", {"rules": str(error).splitlines()[0]}) from error
    if not isinstance(given, dict) or set(given) - set(DEFAULT_RULES):
        raise _wrong(f"Give {', '.join(DEFAULT_RULES)} and nothing else")
    made: dict[str, Any] = {}
    for name, default in DEFAULT_RULES.items():
        value = given.get(name, default)
        if isinstance(default, dict) and (not isinstance(value, dict) or set(value) - set(default)):
            raise _wrong(f"{name} has {', '.join(default)}")
        made[name] = {**default, **value} if isinstance(default, dict) else value
    _check(made)
    return made


def _check(rules: Mapping[str, Any]) -> None:
    numbers = [("decay_days", rules["decay_days"]), *rules["points"].items(), *rules["limits"].items(),
               *rules["fading"].items()]
    numbers += [(name, value) for name, value in rules["needed"].items() if not name.endswith("_by_tier")]
    for tier_name in ("fit_by_tier", "points_by_tier"):
        if not isinstance(rules["needed"][tier_name], dict):
            raise _wrong(f"{tier_name} gives a number per tier, such as {{'1': 20}}")
        numbers += list(rules["needed"][tier_name].items())
    for name, value in numbers:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000:
            raise _wrong(f"{name} is a number, zero or more")
    if not 1 <= rules["decay_days"] <= WINDOW_DAYS:
        raise _wrong(f"decay_days lies between 1 and {WINDOW_DAYS}")
    if rules["fading"]["fallen_to"] > 1 or rules["fading"]["longer_from"] < 1:
        raise _wrong("fallen_to is at most 1 and longer_from at least 1: they say how much less, and how much longer")
    if set(rules["group"].values()) - set(GROUPS):
        raise _wrong(f"a group is one of {', '.join(GROUPS)}")


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, {"rules": sentence})


def faded(points: float, age_days: float, decay_days: float) -> float:
    """What is left of an event's points; the future counts as now."""
    return points * min(max(1 - age_days / decay_days, 0.0), 1.0)


def evaluate(facts: Facts, rules: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The whole expression: every part with its number, what it needs, and whether it holds."""
    needed = rules["needed"]
    fit = needed["fit_by_tier"].get(facts.tier or "", needed["fit"])
    points = needed["points_by_tier"].get(facts.tier or "", needed["points"])
    if (facts.employees or 0) >= needed["large_from"]:
        points *= needed["large_factor"]
    parts = [
        {"part": "fit", "value": facts.fit, "needed": fit, "holds": facts.fit >= fit},
        {"part": "points", "value": facts.points, "needed": points, "holds": facts.points >= points - 1e-9},
        {"part": "people in 30 days", "value": facts.people, "needed": needed["people"],
         "holds": facts.people >= needed["people"]},
        {"part": "no open conversation or opportunity", "value": not facts.is_locked, "needed": True,
         "holds": not facts.is_locked},
        {"part": "not cooling down", "value": not facts.is_cooling, "needed": True, "holds": not facts.is_cooling},
    ]
    return {"is_qualified": all(part["holds"] for part in parts), "parts": parts, "rules": version}


def with_defaults(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Published rules, with the defaults of what a version of then did not know."""
    return {**DEFAULT_RULES, **rules}


def decay_signs(*, touches: tuple[int, int], answers: tuple[int, int], gaps: tuple[float | None, float | None],
                lines: Mapping[str, float] = DEFAULT_RULES["fading"]) -> list[str]:
    """Signs that a relation fades (Levitt): (last 90 days, the 90 before) of our touches and their answers, and (mean
    of the last three gaps, usual gap) of orders."""
    signs = []
    if touches[1] >= lines["fewest_touches"] and touches[0] <= lines["fallen_to"] * touches[1]:
        signs.append("contact")
    if answers[1] >= lines["fewest_answers"] and answers[0] <= lines["fallen_to"] * answers[1]:
        signs.append("response")
    if gaps[0] is not None and gaps[1] is not None and gaps[1] > 0 and gaps[0] >= lines["longer_from"] * gaps[1]:
        signs.append("gaps")
    return signs


def say_signs(lines: Mapping[str, float]) -> dict[str, str]:
    """What each sign means, in words."""
    fallen, longer = lines["fallen_to"], lines["longer_from"]
    part = "half as often" if fallen == 0.5 else f"{fallen:g} times as often"
    return {
        "contact": f"we contact them at most {part} as in the 90 days before",
        "response": f"they answer at most {part} as in the 90 days before",
        "gaps": f"their last three gaps between orders are at least {longer:g} times the usual one",
    }
