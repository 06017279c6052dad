"""Reading a scorecard that a person wrote: every mistake is named with its place."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from abm.scorecards.definition import BY_HAND, DIRECTIONS, FAMILIES, SCALES, Criterion, Definition, Step
from campaigns.raw_fields import Complaints, RawFields, describe, nearest

MOST_CRITERIA = 30
MOST_STEPS = 20
_KEYS = ("scorecard", "title", "purpose", "family", "rank_from_coverage", "member", "criteria")
_CRITERION_KEYS = ("id", "title", "weight", "by", "direction", "scale", "from", "to", "bands", "levels", "note")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_LARGEST = 1e14
# They are addresses of pages.
_RESERVED = ("matrix", "new", "shipped")


def read_definition(raw: Any, measures: Collection[str]) -> Definition:
    """The scorecard that a file's content says. `measures`: names that criteria may go by; `custom.…` is always one.
    Raises InvalidInput naming every mistake with its place."""
    complaints = Complaints()
    fields = RawFields(raw, "", complaints, _KEYS)
    name = _read_name(fields, "scorecard")
    low, high = _read_member(fields)
    definition = Definition(
        name=name, title=fields.text("title", name) or name, purpose=fields.text("purpose", longest=500),
        family=fields.choice("family", ("", *FAMILIES), ""),
        least_coverage=fields.percent("rank_from_coverage", 50, highest=100) / 100, member_from=low, member_to=high,
        criteria=_read_criteria(fields.raw.get("criteria"), measures, complaints))
    complaints.raise_if_any()
    return definition


def _read_name(fields: RawFields, key: str) -> str:
    name = fields.text(key, required=True)
    if name and not _NAME.fullmatch(name):
        fields.wrong(key, f"{describe(name)} cannot be a name: small letters, digits, - and _, no blanks")
    if name in _RESERVED and key == "scorecard":
        fields.wrong(key, f"{name} is the address of a page; choose another name")
    return name


def _read_member(fields: RawFields) -> tuple[float, float]:
    raw = fields.raw.get("member", {"from": 50, "to": 80})
    own = RawFields(raw, "member", fields.complaints, ("from", "to"))
    low, high = (read_number(own, key, 0.0, lowest=0, highest=100) or 0.0 for key in ("from", "to"))
    if low > high:
        own.wrong("from", f"membership begins at {low:g}, which is above its end at {high:g}")
    return low, high


def _read_criteria(raw: Any, measures: Collection[str], complaints: Complaints) -> tuple[Criterion, ...]:
    if not isinstance(raw, list) or not raw:
        complaints.add("criteria", "say at least one criterion: {id, title, weight, by, …}")
        return ()
    if len(raw) > MOST_CRITERIA:
        complaints.add("criteria", f"has {len(raw)} criteria, at most {MOST_CRITERIA} are possible")
        return ()
    criteria = tuple(read_criterion(RawFields(one, f"criteria[{place}]", complaints, _CRITERION_KEYS), measures)
                     for place, one in enumerate(raw))
    ids = [criterion.id for criterion in criteria]
    for place, name in enumerate(ids):
        if name in ids[:place]:
            complaints.add(f"criteria[{place}].id", f'"{name}" is said twice')
    if not any(criterion.weight > 0 for criterion in criteria):
        complaints.add("criteria", "at least one criterion needs a weight above 0")
    return criteria


def read_criterion(fields: RawFields, measures: Collection[str]) -> Criterion:
    """One criterion; mistakes are noted in the fields' complaints."""
    name = _read_name(fields, "id")
    by = fields.text("by", required=True)
    if by and by != BY_HAND and not by.startswith("custom.") and by not in measures:
        fields.wrong("by", f'"{by}" is nothing that accounts are measured by{nearest(by, measures)}')
    if by == "custom.":
        fields.wrong("by", "say the name of the custom field: custom.<name>")
    direction = fields.choice("direction", DIRECTIONS, "up")
    scale = "levels" if by == BY_HAND else fields.choice("scale", SCALES, "bands" if "bands" in fields.raw else
                                                         "percentile")
    if by != BY_HAND and scale == "levels":
        fields.wrong("scale", "levels are for criteria rated by hand; use percentile, min-max or bands")
    low, high = (read_number(fields, key, None, lowest=-_LARGEST, highest=_LARGEST) for key in ("from", "to"))
    if low is not None and high is not None and low >= high:
        fields.wrong("from", f"the scale begins at {low:g}, which is not below its end at {high:g}")
    return Criterion(
        id=name, title=fields.text("title", name) or name, note=fields.text("note", longest=500),
        weight=read_number(fields, "weight", 1.0, lowest=0, highest=1000) or 0.0, by=by, direction=direction,
        scale=scale, low=low, high=high, steps=_read_steps(fields, scale, direction))


def _read_steps(fields: RawFields, scale: str, direction: str) -> tuple[Step, ...]:
    if scale not in ("bands", "levels"):
        return ()
    raw = fields.raw.get(scale)
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_STEPS or not all(isinstance(one, Mapping) for one in raw):
        says = "[{from: 1000, points: 40}, …]" if scale == "bands" else "[{points: 0, words: never}, …]"
        fields.wrong(scale, f"expected 1 to {MOST_STEPS} of them: {says}")
        return ()
    own = [_read_step(RawFields(one, f"{fields.place(scale)}[{place}]", fields.complaints,
                                ("points", "words", "from", "up_to")), scale, direction)
           for place, one in enumerate(raw)]
    steps = tuple(sorted(own, key=lambda step: step.at))
    _check_order(fields, scale, direction, steps)
    return steps


def _read_step(fields: RawFields, scale: str, direction: str) -> Step:
    points = read_number(fields, "points", None, lowest=0, highest=100, required=True) or 0.0
    if scale == "levels":
        return Step(points, points, fields.text("words", required=True, longest=300))
    key = "from" if direction == "up" else "up_to"
    at = read_number(fields, key, None, lowest=-_LARGEST, highest=_LARGEST, required=True) or 0.0
    return Step(at, points, fields.text("words", longest=300))


def _check_order(fields: RawFields, scale: str, direction: str, steps: tuple[Step, ...]) -> None:
    if len({step.at for step in steps}) < len(steps):
        fields.wrong(scale, "two of them begin at the same number")
    points = [step.points for step in steps]
    if scale == "bands" and points != sorted(points, reverse=direction == "down"):
        more = "more" if direction == "up" else "less"
        fields.wrong(scale, f"the points must rise where {more} is better; turn the direction round or the points")


def read_number(fields: RawFields, name: str, default: float | None, *, lowest: float, highest: float,
                required: bool = False) -> float | None:
    """A number between the bounds."""
    value = fields.raw.get(name)
    if value is None:
        if required:
            fields.wrong(name, "is missing")
        return default
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not lowest <= number <= highest:
        fields.wrong(name, f"expected a number from {lowest:g} to {highest:g}, found {describe(value)}")
        return default
    return number
