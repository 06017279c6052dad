"""Two records of one company or person made into one, field by field. Pure.

`groups` names the fields that people choose between, each with the columns that go together. `choices` says `keep` or
`drop` per field; without a word the kept record's value stands, and where it has none the dropped one's fills the gap.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.country_rules import base_of

Groups = Mapping[str, Sequence[str]]
CUSTOM = "custom."

ACCOUNT_FIELDS: Groups = {
    "name": ("name", "name_key"), "domain": ("domain",), "industry": ("industry",), "employees": ("employees",),
    "annual_revenue": ("annual_revenue",), "country": ("country",), "region": ("region",), "city": ("city",),
    "timezone": ("timezone",), "tier": ("tier",), "owner": ("owner_id", "owner_email"), "parent": ("parent_id",),
    "source": ("source",),
}
CONTACT_FIELDS: Groups = {
    "first_name": ("first_name",), "last_name": ("last_name",), "email": ("email", "email_key"), "phone": ("phone",),
    "title": ("title",), "department": ("department",), "buying_role": ("buying_role",), "influence": ("influence",),
    "attitude": ("attitude",), "reports_to": ("reports_to_id",), "language": ("language",), "timezone": ("timezone",),
}
# The lower one stands: an address without a basis is never written to, one with consent nearly always.
BASES = ("none", "legitimate_interest", "contract", "implied_consent", "consent")


def join_records(kept: Mapping[str, Any], dropped: Mapping[str, Any], groups: Groups,
                 choices: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The columns of the record that stays, and the names of the fields taken from the dropped one."""
    values: dict[str, Any] = {}
    taken = []
    for name, columns in groups.items():
        if _takes(choices.get(name), kept[columns[0]], dropped[columns[0]]):
            values |= {column: dropped[column] for column in columns}
            taken.append(name)
    custom, fields = _join_custom(kept["custom"] or {}, dropped["custom"] or {}, choices)
    return {**values, "custom": custom or None}, taken + fields


def _takes(choice: str | None, own: Any, other: Any) -> bool:
    if other in (None, "") or own == other:
        return False
    return choice == "drop" or (choice is None and own in (None, ""))


def _join_custom(own: Mapping[str, Any], other: Mapping[str, Any],
                 choices: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    joined, taken = dict(own), []
    for name, value in other.items():
        if _takes(choices.get(CUSTOM + name), own.get(name), value):
            joined[name] = value
            taken.append(CUSTOM + name)
    return joined, taken


def stricter_basis(kept: Mapping[str, Any], dropped: Mapping[str, Any]) -> bool:
    """Whether the dropped record's lawful basis allows less than the kept one's."""
    return _rank(dropped) < _rank(kept)


def _rank(record: Mapping[str, Any]) -> int:
    return BASES.index(base_of(record["lawful_basis"], record["consent_kind"]))
