"""The forms of the dossier: checked values, or a sentence per field."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from abm.dossier.words import REASONS, RESULTS, STAGES, STRENGTHS, TEXTS
from core.errors import InvalidInput

Errors = dict[str, str]
Form = Mapping[str, str]
_LONG = 20_000


def parse_relationship(form: Form) -> dict[str, Any]:
    """Where the relationship stands and what comes next."""
    errors: Errors = {}
    values = {"stage": _one_of(form, "stage", STAGES, errors), "standing": _text(form, "standing", _LONG, errors),
              "next_step": _line(form, "next_step", 300, errors), "next_on": _day(form, "next_on", errors)}
    if values["next_on"] and not values["next_step"]:
        errors.setdefault("next_step", "Say what comes next on that day")
    return _checked(values, errors)


def parse_texts(form: Form) -> dict[str, Any]:
    """The texts of the dossier."""
    errors: Errors = {}
    return _checked({name: _text(form, name, _LONG, errors) for name in TEXTS}, errors)


def parse_link(form: Form) -> dict[str, Any]:
    """A document elsewhere: a title and an http address."""
    errors: Errors = {}
    values = {"title": _line(form, "title", 200, errors), "url": _line(form, "url", 1000, errors)}
    if not values["title"]:
        errors.setdefault("title", "Say what it is")
    if urlsplit(values["url"] or "").scheme not in ("http", "https"):
        errors.setdefault("url", "An address that starts with https://")
    return _checked(values, errors)


def parse_tender(form: Form, *, currency: str) -> dict[str, Any]:
    """A tender. A decided one needs its reason, so that losses can be learned from."""
    errors: Errors = {}
    opened, decided = _day(form, "opened_on", errors), _day(form, "decided_on", errors)
    values = {"title": _line(form, "title", 300, errors), "opened_on": opened, "decided_on": decided,
              "amount": _amount(form, "amount", errors),
              "result": _one_of(form, "result", RESULTS, errors) or "open",
              "reason": _one_of(form, "reason", REASONS, errors), "winner": _line(form, "winner", 200, errors),
              "reason_text": _line(form, "reason_text", 500, errors)}
    values["currency"] = currency if values["amount"] is not None else None
    if not values["title"]:
        errors.setdefault("title", "Say what was put out to tender")
    if values["result"] != "open" and not values["reason"]:
        errors.setdefault("reason", "Say why it ended so")
    if opened and decided and decided < opened:
        errors["decided_on"] = "It cannot be decided before it was opened"
    return _checked(values, errors)


def parse_competitor(form: Form) -> dict[str, Any]:
    """Somebody else who courts the account."""
    errors: Errors = {}
    strength = _one_of(form, "strength", {str(level): word for level, word in STRENGTHS.items()}, errors)
    if strength is None:
        errors.setdefault("strength", "Say how strong they are here")
    values = {"name": _line(form, "name", 200, errors), "offering": _line(form, "offering", 300, errors),
              "strength": int(strength) if strength else None, "note": _text(form, "note", 1000, errors),
              "seen_on": _day(form, "seen_on", errors)}
    if not values["name"]:
        errors.setdefault("name", "Give the competitor's name")
    return _checked(values, errors)


def _checked(values: dict[str, Any], errors: Errors) -> dict[str, Any]:
    if errors:
        raise InvalidInput("This was not saved", errors)
    return values


def _line(form: Form, name: str, limit: int, errors: Errors) -> str | None:
    return _limited(" ".join(form.get(name, "").replace("\x00", "").split()), name, limit, errors)


def _text(form: Form, name: str, limit: int, errors: Errors) -> str | None:
    return _limited(form.get(name, "").replace("\x00", "").replace("\r\n", "\n").strip(), name, limit, errors)


def _limited(text: str, name: str, limit: int, errors: Errors) -> str | None:
    if len(text) > limit:
        errors[name] = f"At most {limit:,} characters, this has {len(text):,}"
    return text or None


def _one_of(form: Form, name: str, allowed: Mapping[str, str], errors: Errors) -> str | None:
    value = form.get(name, "").strip()
    if value and value not in allowed:
        errors[name] = "Choose one from the list"
    return value or None


def _day(form: Form, name: str, errors: Errors) -> date | None:
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        errors[name] = "A day such as 2026-05-31"
        return None


def _amount(form: Form, name: str, errors: Errors) -> Decimal | None:
    text = form.get(name, "").replace(",", "").replace(" ", "")
    try:
        amount = Decimal(text) if text else None
    except InvalidOperation:
        amount = Decimal(-1)
    if amount is not None and not 0 <= amount < Decimal("1e14"):
        errors[name] = "An amount of zero or more, such as 12500"
        return None
    return amount
