"""The account form."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from abm.accounts.countries import country_code
from abm.accounts.models import Account
from abm.accounts.names import plain_domain
from abm.accounts.queries import find_account_by_external_id, get_account
from abm.users.queries import list_active_users
from core.errors import InvalidInput

TIERS = (("1", "1 – one to one"), ("2", "2 – one to few"), ("3", "3 – one to many"))
_LIMITS = {"external_id": 200, "name": 300, "industry": 200, "region": 200, "city": 200, "tier": 20}
_MOST_CUSTOM = 50


def typed_account(session: Session, account: Account) -> dict[str, Any]:
    """An account's values as the form shows them."""
    names = ("external_id", "name", "domain", "industry", "employees", "annual_revenue", "country", "region", "city",
             "timezone", "tier", "owner_id")
    parent = get_account(session, account.parent_id) if account.parent_id else None
    return {**{name: getattr(account, name) for name in names}, "parent": parent.external_id if parent else "",
            "custom": custom_text(account.custom)}


def custom_text(custom: Mapping[str, Any] | None) -> str:
    """Custom fields as lines of `name: value`."""
    return "\n".join(f"{name}: {value}" for name, value in sorted((custom or {}).items()))


def parse_account(session: Session, form: Mapping[str, str], *, account_id: int | None = None) -> dict[str, Any]:
    """The values to store. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {name: _text(form, name, limit, errors) for name, limit in _LIMITS.items()}
    if not values["name"]:
        errors.setdefault("name", "Give the company's name")
    values["domain"] = _domain(form, errors)
    values["employees"] = _amount(form, "employees", errors, whole=True)
    values["annual_revenue"] = _amount(form, "annual_revenue", errors, whole=False)
    country = form.get("country", "").strip()[:100]
    values["country"] = (country_code(country) or country) or None
    values["timezone"] = _zone(form, errors)
    values["custom"] = parse_custom(form.get("custom", ""), errors)
    values.update(_owner(session, form, errors))
    values["parent_id"] = _parent(session, form, account_id, errors)
    if errors:
        raise InvalidInput("The account was not saved", errors)
    return values


def _text(form: Mapping[str, str], name: str, limit: int, errors: dict[str, str]) -> str | None:
    text = " ".join(form.get(name, "").replace("\x00", "").split())
    if len(text) > limit:
        errors[name] = f"At most {limit} characters, this has {len(text)}"
    return text or None


def _domain(form: Mapping[str, str], errors: dict[str, str]) -> str | None:
    text = form.get("domain", "").strip()
    found = plain_domain(text) if text else None
    if text and found is None:
        errors["domain"] = "Write it like example.com"
    return found


def _amount(form: Mapping[str, str], name: str, errors: dict[str, str], *, whole: bool) -> int | float | None:
    text = form.get(name, "").replace(",", "").replace(" ", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= (2_000_000_000 if whole else 1e15):
        errors[name] = "A number of zero or more, such as 250"
        return None
    return int(number) if whole else number


def _zone(form: Mapping[str, str], errors: dict[str, str]) -> str | None:
    zone = form.get("timezone", "").strip()
    if zone and zone not in available_timezones():
        errors["timezone"] = "Use an IANA name such as Europe/Paris, or leave it empty"
    return zone or None


def parse_custom(text: str, errors: dict[str, str]) -> dict[str, Any] | None:
    """`name: value` per line to a dict; None when empty."""
    found: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip()):
            errors["custom"] = f"Line {number} is not of the form name: value"
        elif name.strip() and value.strip():
            found[name.strip()[:100]] = value.strip()[:1000]
    if len(found) > _MOST_CUSTOM:
        errors["custom"] = f"At most {_MOST_CUSTOM} custom fields"
    return found or None


def _owner(session: Session, form: Mapping[str, str], errors: dict[str, str]) -> dict[str, Any]:
    wanted = form.get("owner_id", "")
    if not wanted:
        return {"owner_id": None, "owner_email": None}
    for user in list_active_users(session):
        if str(user.id) == wanted:
            return {"owner_id": user.id, "owner_email": user.email}
    errors["owner_id"] = "Choose somebody from the list"
    return {}


def _parent(session: Session, form: Mapping[str, str], account_id: int | None, errors: dict[str, str]) -> int | None:
    wanted = form.get("parent", "").strip()
    if not wanted:
        return None
    parent = find_account_by_external_id(session, wanted)
    if parent is None:
        errors["parent"] = f"There is no account with the id {wanted[:60]}"
    elif parent.id == account_id:
        errors["parent"] = "An account cannot be its own parent"
    return parent.id if parent else None
