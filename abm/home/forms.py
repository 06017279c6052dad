"""The company's settings between the form and their stored form."""

import re
from collections.abc import Mapping
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import available_timezones

from werkzeug.datastructures import MultiDict

from abm.company.networks import read_networks
from abm.company.policy import Company
from abm.contacts.buying_centre import ROLES
from core.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIER = re.compile(r"([^:]{1,20}):\s*(\d{1,4})\s*/\s*(\d{1,4})")
_WHOLE = (
    "account_points_7_days",
    "account_points_30_days",
    "person_touches_7_days",
    "person_touches_30_days",
    "lock_days_after_reply",
)


def typed_company(company: Company) -> dict[str, Any]:
    """The settings in the form in which they are stored and typed."""
    return {
        "name": company.name,
        "postal_address": company.postal_address,
        "timezone": company.timezone,
        "currency": company.currency,
        "country": company.country,
        "working_days": list(company.working_days),
        "working_from": f"{company.working_from:%H:%M}",
        "working_to": f"{company.working_to:%H:%M}",
        "account_points_by_tier": {tier: list(own) for tier, own in company.account_points_by_tier.items()},
        "channel_costs": dict(company.channel_costs),
        "call_minute_cost": company.call_minute_cost,
        "is_sending_paused": company.is_sending_paused,
        "required_roles": dict(company.required_roles),
        "map_fresh_days": company.map_fresh_days,
        "machine_seconds": company.machine_seconds,
        "machine_networks": list(company.machine_networks),
        "is_sending_strict": company.is_sending_strict,
        "mails_minutes": company.mails_minutes,
        "second_approval_above": company.second_approval_above,
        **{name: getattr(company, name) for name in _WHOLE},
    }


def company_values(form: MultiDict[str, str]) -> dict[str, Any]:
    """Values to store. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "postal_address", "country")}
    values["currency"] = form.get("currency", "").strip().upper()
    values["timezone"] = form.get("timezone", "").strip()
    values["working_days"] = [day for day in DAYS if day in form.getlist("working_days")]
    values["is_sending_paused"] = bool(form.get("is_sending_paused"))
    values["is_sending_strict"] = bool(form.get("is_sending_strict"))
    values["channel_costs"] = _costs(form, errors)
    values["call_minute_cost"] = _amount(form, "call_minute_cost", Company().call_minute_cost, errors)
    if "account_points_by_tier" in form:
        values["account_points_by_tier"] = _tiers(form["account_points_by_tier"], errors)
    if "map_fresh_days" in form:
        values |= {"required_roles": _roles(form, errors), "map_fresh_days": _whole(form, "map_fresh_days", errors)}
    if "second_approval_above" in form:
        values["mails_minutes"] = bool(form.get("mails_minutes"))
        values["second_approval_above"] = _whole(form, "second_approval_above", errors)
    if "machine_seconds" in form:
        values |= {"machine_seconds": _seconds(form["machine_seconds"], errors),
                   "machine_networks": _networks(form.get("machine_networks", ""), errors)}
    for name in ("working_from", "working_to"):
        values[name] = _time(form, name, errors)
    for name in _WHOLE:
        values[name] = _whole(form, name, errors)
    _check(values, errors)
    if errors:
        raise InvalidInput("The settings were not saved", errors)
    return values


def _seconds(text: str, errors: dict[str, str]) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 600:
        errors["machine_seconds"] = "Seconds from 0 to 600, such as 1.5"
    return seconds


def _networks(text: str, errors: dict[str, str]) -> list[str]:
    try:
        return read_networks(text)
    except InvalidInput as error:
        errors |= error.fields
        return []


def _check(values: Mapping[str, Any], errors: dict[str, str]) -> None:
    if not values["name"]:
        errors["name"] = "Give the company's name"
    if values["timezone"] not in available_timezones():
        errors["timezone"] = "Use an IANA name such as Europe/Paris"
    if not (len(values["currency"]) == 3 and values["currency"].isalpha()):
        errors["currency"] = "Use a three-letter code such as EUR"
    if not values["working_days"]:
        errors["working_days"] = "Choose at least one day"
    if "working_from" not in errors and "working_to" not in errors and values["working_from"] >= values["working_to"]:
        errors["working_to"] = "The end must be later than the start"


def _time(form: Mapping[str, str], name: str, errors: dict[str, str]) -> str:
    try:
        return f"{time.fromisoformat(form.get(name, '')):%H:%M}"
    except ValueError:
        errors[name] = "Write it like 09:00"
        return ""


def _whole(form: Mapping[str, str], name: str, errors: dict[str, str]) -> int:
    text = form.get(name, "").strip()
    if not text.isdecimal() or int(text) > 10_000:
        errors[name] = "A whole number; 0 means no limit"
        return 0
    return int(text)


def _tiers(text: str, errors: dict[str, str]) -> dict[str, list[int]]:
    """Lines such as `1: 12 / 30`: the tier, then its points in 7 and in 30 days."""
    tiers: dict[str, list[int]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = _TIER.fullmatch(line)
        if found is None:
            errors["account_points_by_tier"] = f'"{line}" is not like “1: 12 / 30”: tier, points in 7 days, in 30 days'
            continue
        tiers[found[1].strip()] = [int(found[2]), int(found[3])]
    return tiers


def _costs(form: Mapping[str, str], errors: dict[str, str]) -> dict[str, str]:
    return {channel: _amount(form, f"cost_{channel}", usual, errors)
            for channel, usual in Company().channel_costs.items()}


def _amount(form: Mapping[str, str], name: str, usual: str, errors: dict[str, str]) -> str:
    text = form.get(name, usual).strip()
    try:
        if not 0 <= Decimal(text) <= 1_000_000_000:
            raise InvalidOperation
        return str(Decimal(text))
    except InvalidOperation:
        errors[name] = "An amount such as 18.50"
        return usual


def _roles(form: Mapping[str, str], errors: dict[str, str]) -> dict[str, int]:
    """How many people each role needs; roles that need nobody are left out."""
    needed = {}
    for role in ROLES:
        text = form.get(f"needed_{role}", "").strip() or "0"
        if not text.isdecimal() or int(text) > 20:
            errors[f"needed_{role}"] = "A whole number from 0 to 20"
        elif int(text):
            needed[role] = int(text)
    return needed
