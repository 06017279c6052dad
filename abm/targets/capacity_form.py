"""The hours that accounts take and that there are, as typed."""

from collections.abc import Mapping
from typing import Any

from abm.company.policy import Company
from abm.targets.capacity import CREWS
from core.errors import InvalidInput

TIERS = (("1", "Tier 1"), ("2", "Tier 2"), ("3", "Tier 3"), ("", "Without tier"))
_MOST = 100_000.0


def typed_capacity(company: Company) -> dict[str, str]:
    """`hours.1.sellers`, `available.sellers`: what the form shows."""
    typed = {f"hours.{tier}.{crew}": f"{company.hours_per_account.get(tier, {}).get(crew, 0):g}"
             for tier, _ in TIERS for crew in CREWS}
    return typed | {f"available.{crew}": f"{company.available_hours[crew]:g}" if crew in company.available_hours else ""
                    for crew in CREWS}


def read_capacity(form: Mapping[str, str]) -> dict[str, Any]:
    """The settings hours_per_account and available_hours. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    hours = {tier: {crew: _hours(form, f"hours.{tier}.{crew}", errors) for crew in CREWS} for tier, _ in TIERS}
    available = {crew: _hours(form, f"available.{crew}", errors) for crew in CREWS
                 if form.get(f"available.{crew}", "").strip()}
    if errors:
        raise InvalidInput("Some hours cannot be read", errors)
    return {"hours_per_account": hours, "available_hours": available}


def _hours(form: Mapping[str, str], name: str, errors: dict[str, str]) -> float:
    try:
        hours = float(form.get(name, "").strip().replace(",", ".") or 0)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= _MOST:
        errors[name] = "A number of hours from 0, such as 2 or 0.5."
    return hours
