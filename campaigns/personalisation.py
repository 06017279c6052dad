"""The names that content may use, and the plain values they stand for."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.errors import PermanentFailure

Value = str | int | float | Decimal | date | datetime | list[Any] | dict[str, Any]
Values = Mapping[str, Any]

NAMES: dict[str, tuple[str, ...]] = {
    "contact": ("first_name", "last_name", "email", "phone", "title", "department", "buying_role", "language",
                "source"),
    "account": ("name", "domain", "industry", "employees", "country", "region", "city", "tier"),
    "owner": ("name", "email", "phone", "signature"),
    "offer": ("code", "title", "valid_until", "terms"),
    "last_order": ("on", "amount", "currency"),
    "sender": ("postal_address", "name", "email"),
}
SINGLE_NAMES = ("unsubscribe_url", "preferences_url")
WITH_CUSTOM_FIELDS = ("contact", "account")

MAX_VALUE_LENGTH = 10_000
MAX_LIST_LENGTH = 200
NOT_PRINTED = "A list cannot be printed as it is; use join or for"
_PLAIN = (str, int, float, Decimal, date, datetime, bool)


class ContentFailure(PermanentFailure):
    """One message cannot be made; the others go on. `reason` is a word of `campaigns.states.Reason` or empty."""

    reason = ""


class MissingValue(ContentFailure):
    """A value that would be printed is not known for this person; `names` says which."""

    reason = "missing_value"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"No value for {', '.join(names)}; fill it in or write a default, such as "
            f"{{{{ {names[0]} | default('…') }}}}"
        )
        self.names = tuple(names)


class BadValue(ContentFailure):
    """A value of this person cannot be put into a message (broken text, too long, not a plain value)."""


class Items(list[Any]):
    """The values of a list; not to be printed as they are, by whatever way."""

    def __str__(self) -> str:
        raise BadValue(NOT_PRINTED)


class Fields(dict[str, Any]):
    """The values of a dict; not to be printed as they are, by whatever way."""

    def __str__(self) -> str:
        raise BadValue(NOT_PRINTED)


def every_name() -> list[str]:
    """All names content may use, custom fields left out; for pickers and for suggestions."""
    dotted = [f"{root}.{leaf}" for root, leaves in NAMES.items() for leaf in leaves]
    return [*dotted, *SINGLE_NAMES]


def is_known_path(path: Sequence[str]) -> bool:
    """Whether content may use this name; any custom field of a contact or account is allowed."""
    match path:
        case [single]:
            return single in SINGLE_NAMES
        case [root, "custom", field]:
            return root in WITH_CUSTOM_FIELDS and not field.startswith("_")
        case [root, leaf]:
            return leaf in NAMES.get(root, ())
    return False


def nearest_name(path: Sequence[str]) -> str:
    """The allowed name that is most like a wrong one."""
    names = every_name()
    written = ".".join(path)
    if close := difflib.get_close_matches(written, names, n=1, cutoff=0.5):
        return close[0]
    same_leaf = [name for name in names if name.split(".")[-1] == path[-1]]
    return same_leaf[0] if same_leaf else "contact.first_name"


def look_up(values: Values, path: Sequence[str]) -> Any:
    """The value of an allowed name, plain and bounded, or None when it is not known. Raises BadValue."""
    found: Any = values
    for part in path:
        found = found.get(part) if type(found) is dict or isinstance(found, Mapping) else None
    if type(found) is str:
        if len(found) > MAX_VALUE_LENGTH:
            raise BadValue(f"The value of {'.'.join(path)} is longer than {MAX_VALUE_LENGTH} characters")
        return found if found and not found.isspace() else None
    if found is None or type(found) in (int, Decimal, date):
        return found
    return _plain(found, ".".join(path))


def _plain(found: Any, name: str) -> Any:
    """A copy that holds nothing but plain values; subclasses with behaviour of their own are flattened or refused."""
    if isinstance(found, list | tuple):
        return Items(_plain(item, name) for item in list(found)[:MAX_LIST_LENGTH]) or None
    if type(found) is dict:
        return Fields({str(key): _plain(item, name) for key, item in list(found.items())[:MAX_LIST_LENGTH]}) or None
    if isinstance(found, str):
        return str.__str__(found)[:MAX_VALUE_LENGTH] or None
    if found is None or type(found) in _PLAIN:
        return found
    raise BadValue(f"The value of {name} is not text, a number or a date")
