"""The form that starts an analysis."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from abm.analysis.actions import Wanted
from core.errors import InvalidInput


def parse_run(form: Mapping[str, str]) -> Wanted:
    """What `request_analysis` is asked for. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"as_of": _day(form, "as_of", errors), "from_on": _day(form, "from", errors)}
    if errors:
        raise InvalidInput("The analysis was not started", errors)
    return Wanted(**values, period=form.get("period", "auto"), value_kind=form.get("value", "revenue"),
                 factor=form.get("by", "account"))


def _day(form: Mapping[str, str], name: str, errors: dict[str, str]) -> date | None:
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        errors[name] = "Write the day like 2026-01-31"
        return None
