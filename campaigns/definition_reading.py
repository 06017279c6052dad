"""The reader of the campaign file format; see `campaigns.definition` for what it makes."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from campaigns.definition_values import (
    ACCOUNT_OWNER,
    CONDITIONS,
    DAYS,
    DEFAULT_STOPS,
    STOPS,
    UNITS,
    ZONES,
    CallStep,
    Content,
    Definition,
    Delay,
    EmailStep,
    PeopleRule,
    Sender,
    Step,
    Variant,
    Window,
)
from campaigns.raw_fields import Complaints, RawFields, describe, nearest
from core.errors import InvalidInput

_TOP = ("campaign", "title", "purpose", "list", "sender", "people", "window", "holdout", "stop_when", "priority",
        "caps", "enrol", "steps")
_STEP = ("id", "channel", "after", "unless", "offer")
_EMAIL = (*_STEP, "subject", "html", "text", "languages", "variants")
_CALL = (*_STEP, "script", "assign_to")
_CONTENT = ("subject", "html", "text")
_CHANNELS = ("email", "call")
_DELAY = re.compile(r"(\d{1,4})\s*(?:(working|business)\s+)?(minutes?|hours?|days?|weeks?)", re.IGNORECASE)
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
    definition = Definition(
        name=name, title=fields.text("title") or name, list_name=fields.text("list", required=True),
        purpose=_read_name(fields, "purpose", longest=60, default="marketing"), steps=steps,
        sender=_read_sender(fields, is_needed=needs_sender), people=_read_people(fields), window=_read_window(fields),
        holdout_percent=fields.percent("holdout", 0, highest=90),
        stop_when=fields.choices("stop_when", STOPS, DEFAULT_STOPS),
        priority=fields.whole("priority", 5, lowest=1, highest=10) or 5,
        is_cap_exempt=fields.choice("caps", ("respect", "exempt"), "respect") == "exempt",
        is_continuous=fields.choice("enrol", ("approved", "continuous"), "approved") == "continuous")
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
    inner = RawFields(fields.raw["sender"], "sender", fields.complaints, ("name", "email", "postal_address"))
    email = inner.text("email", required=is_needed, longest=320)
    if email:
        email = _checked_address(inner, email)
    return Sender(inner.text("name"), email, " ".join(str(inner.raw.get("postal_address", "")).split()))


def _checked_address(fields: RawFields, email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        fields.wrong("email", f"{describe(email)} is not an e-mail address: {error}")
        return email


def _read_people(fields: RawFields) -> PeopleRule:
    inner = RawFields(fields.raw.get("people", {}), "people", fields.complaints, ("roles", "per_account"))
    return PeopleRule(inner.words("roles"), inner.whole("per_account", None, lowest=1, highest=1000))


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
    steps, seen = [], set[str]()
    for index, raw_step in enumerate(raw):
        step = _read_step(raw_step, f"steps[{index}]", fields.complaints)
        if step and step.id in seen:
            fields.complaints.add(f"steps[{index}].id", f'"{step.id}" is used by an earlier step too')
        if step:
            seen.add(step.id)
            steps.append(step)
    return tuple(steps)


def _read_step(raw: Any, place: str, complaints: Complaints) -> Step | None:
    channel = raw.get("channel", "email") if isinstance(raw, Mapping) else "email"
    if channel not in _CHANNELS:
        complaints.add(f"{place}.channel", f"{describe(channel)} is not one of {', '.join(_CHANNELS)}"
                                           f"{nearest(str(channel), _CHANNELS)}")
        return None
    fields = RawFields(raw, place, complaints, ("channel", *_CALL) if channel == "call" else _EMAIL)
    step_id, after = _read_name(fields, "id", longest=60), _read_delay(fields)
    unless, offer = fields.choices("unless", CONDITIONS, ()), fields.text("offer", longest=100) or None
    if channel == "call":
        return CallStep(step_id, fields.content("script") or "", fields.text("assign_to", ACCOUNT_OWNER), after, unless,
                        offer)
    if not fields.content("html") and not fields.content("text"):
        fields.wrong("html", "is missing: an e-mail step needs html or text")
    return EmailStep(step_id, fields.text("subject", required=True, longest=500), fields.content("html"),
                     fields.content("text"), after, unless, offer, _read_languages(fields), _read_variants(fields))


def _read_delay(fields: RawFields) -> Delay:
    value = fields.raw.get("after", "0 days")
    found = _DELAY.fullmatch(str(value).strip())
    if found is None:
        if str(value).strip() != "0":
            fields.wrong("after", f'{describe(value)} is not a delay such as "3 working days", "7 days" or "4 hours"'
                                  f"{_nearest_unit(str(value))}")
        return Delay()
    amount, unit = int(found[1]), found[3].casefold().removesuffix("s") + "s"
    if found[2] and unit != "days":
        fields.wrong("after", f'{describe(value)}: only days can be working days, as in "{amount} working days"')
    return Delay(amount, "working days" if found[2] else unit)


def _nearest_unit(value: str) -> str:
    number, _, unit = value.strip().partition(" ")
    near = nearest(unit, UNITS) if number.isdecimal() and unit else ""
    return near.replace('did you mean "', f'did you mean "{number} ')


def _read_content(raw: Any, place: str, complaints: Complaints, *more: str) -> tuple[RawFields, Content]:
    inner = RawFields(raw, place, complaints, (*_CONTENT, *more))
    return inner, Content(inner.text("subject", longest=500) or None, inner.content("html"), inner.content("text"))


def _read_languages(fields: RawFields) -> dict[str, Content]:
    """By language code. YAML reads an unquoted `no` (Norwegian) as false, which is understood."""
    raw, languages = fields.raw.get("languages", {}), {}
    if not isinstance(raw, Mapping):
        fields.wrong("languages", f"expected language codes with content, found {describe(raw)}")
        return {}
    for code, content in raw.items():
        language = "no" if code is False else str(code).strip().casefold().replace("_", "-")
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", language) or len(language) > 10:
            fields.wrong(f"languages.{code}", f'{describe(code)} is not a language code such as "fr" or "pt-br"')
        languages[language] = _read_content(content, fields.place(f"languages.{language}"), fields.complaints)[1]
    return languages


def _read_variants(fields: RawFields) -> dict[str, Variant]:
    raw, variants = fields.raw.get("variants", {}), {}
    if not isinstance(raw, Mapping):
        fields.wrong("variants", f"expected variant names with content, found {describe(raw)}")
        return {}
    for name, content in raw.items():
        inner, words = _read_content(content, fields.place(f"variants.{name}"), fields.complaints, "share")
        if len(str(name)) > 20:
            fields.wrong(f"variants.{name}", "the name of a variant has at most 20 characters")
        if "share" not in inner.raw:
            inner.wrong("share", 'is missing: say which share of the people gets it, such as "50%"')
        variants[str(name)] = Variant(inner.percent("share", 0, highest=100), words)
    if sum(variant.share for variant in variants.values()) > 100:
        fields.wrong("variants", "the shares add up to more than 100%")
    return variants
