"""Forms of partners and of what a partner's people send → values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from abm.web.fields import Fields

KINDS = {"distributor": "Distributor", "wholesaler": "Wholesaler", "agent": "Agent", "dealer": "Dealer"}
_MOST_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class PartnerValues:
    """What is said of a partner."""

    name: str
    kind: str
    region: str
    note: str
    sees_people: bool
    sees_all_orders: bool


def parse_partner(form: Mapping[str, str]) -> PartnerValues:
    """Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    values = PartnerValues(
        name=fields.text("name", missing="Give the partner's name.", longest=200),
        kind=fields.one_of("kind", KINDS) or "distributor", region=fields.text("region", longest=200),
        note=fields.text("note", longest=2_000), sees_people=bool(form.get("sees_people")),
        sees_all_orders=bool(form.get("sees_all_orders")))
    fields.finish()
    return values


def read_names(text: str) -> list[str]:
    """Account ids or names, one a line or separated by semicolons; without repeats, in their order."""
    found = (part.strip() for part in re.split(r"[\n;]", text.replace("\x00", "")))
    return list(dict.fromkeys(part for part in found if part))[:_MOST_NAMED]
