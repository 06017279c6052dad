"""The form of a person."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from abm.accounts.forms import custom_text, parse_custom
from abm.contacts.addresses import checked_address
from abm.contacts.buying_centre import ATTITUDES, INFLUENCE, ROLES
from abm.contacts.consent import basis_day
from abm.contacts.models import Contact
from abm.imports.values import BadValue
from campaigns.consent_expiry import KINDS, is_implied
from core import clock
from core.errors import InvalidInput

BASES = {"none": "None: never written to", "consent": "Consent", "contract": "Contract",
         "legitimate_interest": "Legitimate interest"}
_TEXTS = {"first_name": 200, "last_name": 200, "phone": 60, "title": 200, "department": 200, "language": 20,
          "basis_source": 300}


def typed_contact(contact: Contact) -> dict[str, Any]:
    """A person's values as the form shows them."""
    names = (*_TEXTS, "email", "buying_role", "influence", "attitude", "timezone", "lawful_basis", "consent_kind")
    basis_on = basis_day(contact.basis_at)
    return {**{name: getattr(contact, name) for name in names}, "basis_on": basis_on.isoformat() if basis_on else "",
            "custom": custom_text(contact.custom)}


def parse_contact(form: Mapping[str, str], *, known_role: str | None = None,
                  known_basis_at: datetime | None = None) -> dict[str, Any]:
    """The values to store. `known_role`: a role that the person has already, ours or not; `known_basis_at` the moment
    of the basis, kept to the second where its day stays. Raises InvalidInput."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {name: _text(form, name, limit, errors) for name, limit in _TEXTS.items()}
    values["email"] = _email(form, errors)
    values["buying_role"] = _one_of(form, "buying_role", {*ROLES, known_role or ""}, errors)
    values["attitude"] = _one_of(form, "attitude", set(ATTITUDES), errors)
    influence = _one_of(form, "influence", {str(level) for level in INFLUENCE}, errors)
    values["influence"] = int(influence) if influence else None
    values["timezone"] = _one_of(form, "timezone", available_timezones(), errors)
    values["lawful_basis"] = _one_of(form, "lawful_basis", set(BASES), errors) or "none"
    values["consent_kind"] = _one_of(form, "consent_kind", set(KINDS), errors)
    values["basis_at"] = _basis_at(form, known_basis_at, errors)
    values["custom"] = parse_custom(form.get("custom", ""), errors)
    _check_whole(values, errors)
    if errors:
        raise InvalidInput("The person was not saved", errors)
    return values


def _check_whole(values: dict[str, Any], errors: dict[str, str]) -> None:
    if not values["email"] and not values["phone"]:
        errors.setdefault("email", "Give an e-mail address or a telephone number")
    if not values["first_name"] and not values["last_name"] and not values["email"]:
        errors.setdefault("last_name", "Give a name")
    if values["lawful_basis"] != "none" and not values["basis_source"]:
        errors.setdefault("basis_source", "Say where this basis comes from: a form, a contract, a talk on a day")


    if values["lawful_basis"] != "consent":
        values["consent_kind"] = None
    elif is_implied(values["consent_kind"]) and not values["basis_at"]:
        errors.setdefault("basis_on", "Implied consent ends by its day: give that of the purchase or inquiry")


def _basis_at(form: Mapping[str, str], known: datetime | None, errors: dict[str, str]) -> datetime | None:
    text = form.get("basis_on", "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors["basis_on"] = "Write the day as YYYY-MM-DD"
        return None
    if not date(1900, 1, 1) <= day <= clock.now().date() + timedelta(days=1):
        errors["basis_on"] = "The day cannot lie in the future"
        return None
    return known if known and basis_day(known) == day else datetime.combine(day, time(), UTC)


def _text(form: Mapping[str, str], name: str, limit: int, errors: dict[str, str]) -> str | None:
    text = " ".join(form.get(name, "").replace("\x00", "").split())
    if len(text) > limit:
        errors[name] = f"At most {limit} characters, this has {len(text)}"
    return text or None


def _email(form: Mapping[str, str], errors: dict[str, str]) -> str | None:
    text = form.get("email", "").strip()
    if not text:
        return None
    try:
        return checked_address(text[:400])
    except BadValue as error:
        errors["email"] = str(error)
        return None


def _one_of(form: Mapping[str, str], name: str, allowed: set[str], errors: dict[str, str]) -> str | None:
    value = form.get(name, "").strip()
    if value and value not in allowed:
        errors[name] = "Choose one from the list" if name != "timezone" else "Use an IANA name such as Europe/Paris"
        return None
    return value or None
