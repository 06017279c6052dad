"""The reader of the campaign file format; see `campaigns.definition` for what it makes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from campaigns.definition_branches import lay_out
from campaigns.definition_contents import read_snippets
from campaigns.definition_delays import read_delay
from campaigns.definition_steps import read_step
from campaigns.definition_values import (
    CONDITIONS,
    DAYS,
    DEFAULT_STOPS,
    END,
    REENTRY_AFTER,
    REENTRY_NEVER,
    REENTRY_REQUALIFIED,
    REPLY_TO,
    STOPS,
    ZONES,
    BranchStep,
    Definition,
    EmailStep,
    PeopleRule,
    Reentry,
    Sender,
    Step,
    Wave,
    Window,
)
from campaigns.raw_fields import Complaints, RawFields, describe, nearest
from core.errors import InvalidInput

_TOP = ("campaign", "title", "purpose", "list", "sender", "people", "window", "holdout", "stop_when", "priority",
        "caps", "enrol", "exclusive", "reentry", "track", "steps", "snippets")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_NAME = re.compile(r"\w[\w .-]*")


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """See `campaigns.definition.parse`."""
    if not isinstance(raw, Mapping):
        raise InvalidInput(f"A campaign file holds names with values (campaign, list, steps), found {describe(raw)}")
    complaints = Complaints()
    fields = RawFields(raw, "", complaints, _TOP)
    name = _read_name(fields, "campaign", longest=100)
    steps = _read_steps(fields)
    needs_sender = any(isinstance(step, EmailStep) for step in steps)
    people = _read_people(fields)
    definition = Definition(
        name=name, title=fields.text("title") or name, list_name=fields.text("list", required=True),
        purpose=_read_name(fields, "purpose", longest=60, default="marketing"), steps=steps,
        sender=_read_sender(fields, is_needed=needs_sender), people=people, window=_read_window(fields),
        holdout_percent=fields.percent("holdout", 0, highest=90),
        stop_when=fields.choices("stop_when", STOPS, DEFAULT_STOPS),
        priority=fields.whole("priority", 5, lowest=1, highest=10) or 5,
        is_cap_exempt=fields.choice("caps", ("respect", "exempt"), "respect") == "exempt",
        is_continuous=fields.choice("enrol", ("approved", "continuous"), "approved") == "continuous",
        is_exclusive=fields.yes("exclusive"), reentry=_read_reentry(fields),
        track=fields.yes("track", default=True), snippets=read_snippets(fields))
    complaints.raise_if_any()
    return definition


def _read_name(fields: RawFields, name: str, *, longest: int, default: str = "") -> str:
    value = fields.text(name, default, required=True, longest=longest)
    if value and not _NAME.fullmatch(value):
        fields.wrong(name, f"{describe(value)} may hold letters, digits, spaces, dots, dashes and underscores")
    return value


def _read_sender(fields: RawFields, *, is_needed: bool) -> Sender:
    if "sender" not in fields.raw:
        if is_needed:
            fields.wrong("sender", "is missing: e-mail steps need a name, an email and a postal_address to send from")
        return Sender()
    inner = RawFields(fields.raw["sender"], "sender", fields.complaints,
                      ("name", "email", "postal_address", "reply_to"))
    email = inner.text("email", required=is_needed, longest=320)
    if email:
        email = _checked_address(inner, email)
    return Sender(inner.text("name"), email, " ".join(str(inner.raw.get("postal_address", "")).split()),
                  inner.choice("reply_to", REPLY_TO, REPLY_TO[0]))


def _checked_address(fields: RawFields, email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        fields.wrong("email", f"{describe(email)} is not an e-mail address: {error}")
        return email


def _read_people(fields: RawFields) -> PeopleRule:
    inner = RawFields(fields.raw.get("people", {}), "people", fields.complaints,
                      ("roles", "per_account", "waves", "leavers"))
    waves = _read_waves(inner)
    named = tuple(dict.fromkeys(role for wave in waves for role in wave.roles))
    return PeopleRule(inner.words("roles") or named, inner.whole("per_account", None, lowest=1, highest=1000), waves,
                      inner.choice("leavers", ("replace", "drop"), "drop") == "replace")


def _read_waves(fields: RawFields) -> tuple[Wave, ...]:
    raw = fields.raw.get("waves", [])
    if not isinstance(raw, (list, tuple)):
        fields.wrong("waves", f"expected a list such as [{{roles: [champion]}}, …], found {describe(raw)}")
        return ()
    waves = []
    for index, one in enumerate(raw):
        inner = RawFields(one, fields.place(f"waves[{index}]"), fields.complaints, ("roles", "after", "unless"))
        roles = inner.words("roles")
        if not roles:
            inner.wrong("roles", "is missing: say whose turn it is")
        if index and "after" not in inner.raw:
            inner.wrong("after", 'is missing: say how long after the wave before, such as "5 working days"')
        waves.append(Wave(roles, read_delay(inner), inner.choices("unless", CONDITIONS, ())))
    return tuple(waves)


def _read_window(fields: RawFields) -> Window | None:
    if "window" not in fields.raw:
        return None
    inner = RawFields(fields.raw["window"], "window", fields.complaints, ("days", "from", "to", "zone", "holidays"))
    days = tuple(day.casefold()[:3] for day in inner.words("days"))
    for day in set(days) - set(DAYS):
        inner.wrong("days", f'"{day}" is not one of {", ".join(DAYS)}{nearest(day, DAYS)}')
    return Window(days=tuple(day for day in DAYS if day in days), opens=_read_time(inner, "from"),
                  closes=_read_time(inner, "to"), zone=_read_zone(inner),
                  skip_holidays=inner.choice("holidays", ("skip", "count"), "count") == "skip")


def _read_time(fields: RawFields, name: str) -> time | None:
    """A time of day; YAML reads an unquoted 17:00 as 1020, the minutes since midnight, which is understood."""
    value = fields.raw.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value // 60}:{value % 60:02}"
    found = _TIME.fullmatch(str(value).strip())
    hour, minute = (int(found[1]), int(found[2])) if found else (99, 99)
    if (hour, minute) == (24, 0):
        return time(23, 59)
    if hour > 23 or minute > 59:
        fields.wrong(name, f'{describe(value)} is not a time of day such as "09:00"')
        return None
    return time(hour, minute)


def _read_zone(fields: RawFields) -> str:
    zone = fields.text("zone", "recipient")
    if zone in ZONES:
        return zone
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError):
        by_name = {name.casefold(): name for name in (*ZONES, *available_timezones())}
        near = nearest(zone, by_name)
        for lowered, name in by_name.items():
            near = near.replace(f'"{lowered}"', f'"{name}"')
        fields.wrong("zone", f"{describe(zone)} is neither recipient, account, company nor a time zone{near}")
        return "recipient"


def _read_steps(fields: RawFields) -> tuple[Step, ...]:
    raw = fields.raw.get("steps", [])
    if not isinstance(raw, (list, tuple)) or not raw:
        fields.wrong("steps", "expected a list with at least one step")
        return ()
    places: dict[str, str] = {}
    steps: list[Step] = []
    for place, raw_step in lay_out(raw):
        step = read_step(raw_step, place, fields.complaints, lambda inner: _read_name(inner, "id", longest=60))
        if step and step.id in places:
            fields.complaints.add(f"{place}.id", f'"{step.id}" is used by an earlier step too')
        elif step:
            places[step.id] = place
            steps.append(step)
    return tuple(_with_jump(step, index, steps, places[step.id], fields.complaints)
                 for index, step in enumerate(steps))


def _with_jump(step: Step, index: int, steps: list[Step], place: str, complaints: Complaints) -> Step:
    """The step with its jumps checked to lead forward, so that every way ends; one to the step below is none."""
    later = [one.id for one in steps[index + 1:]]
    below = later[0] if later else END
    jumps = {"then": "branch.then", "otherwise": "branch.else"} if isinstance(step, BranchStep) else {}
    for name, written in {"next": "next", **jumps}.items():
        target = getattr(step, name)
        if target is not None and target != END and target not in later:
            why = "stands before it" if any(one.id == target for one in steps) else "is no step of this campaign"
            hint = nearest(target, later)
            complaints.add(f"{place}.{written}", f'"{target}" {why}; name a later step, or {END}{hint}')
        elif target == below:
            step = replace(step, **{name: None})  # type: ignore[arg-type]
    return step


def _read_reentry(fields: RawFields) -> Reentry | None:
    said = fields.raw.get("reentry")
    if said is None:
        return None
    words = " ".join(str(said).casefold().replace("-", "").split())
    if words == "never":
        return Reentry(REENTRY_NEVER)
    if words in ("on requalification", "requalified"):
        return Reentry(REENTRY_REQUALIFIED)
    delay = read_delay(fields, "reentry")
    if delay.unit == "working days" or not delay.amount:
        fields.wrong("reentry", 'expected never, on re-qualification, or a time such as "90 days"')
    return Reentry(REENTRY_AFTER, delay)
