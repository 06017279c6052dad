"""Forms of offers → values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from abm.offers.kinds import CAUSES, KINDS, RUNGS, usual_rung
from abm.web.fields import Fields

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class OfferValues:
    """What a person said about an offer; `limit_count` None means no limit."""

    name: str
    title: str
    kind: str
    terms: str
    cause: str | None
    rung: int
    cost_amount: Decimal
    currency: str
    limit_count: int | None
    valid_from: date
    valid_until: date


def parse_offer(form: Mapping[str, str], *, currency: str) -> OfferValues:
    """The offer a form describes, in the company's `currency`. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    title = fields.text("title", missing="Give the offer a title: recipients read it.", longest=200)
    name = fields.text("name", longest=100) or name_from(title)
    kind = fields.one_of("kind", KINDS, missing="Choose what kind of offer it is.")
    rung = fields.whole("rung", least=1, most=max(RUNGS))
    valid_from = fields.day("valid_from", missing="Say from which day it holds.")
    valid_until = fields.day("valid_until", missing="Say until which day it holds.")
    cost = fields.amount("cost_amount", missing="Say what one redemption costs us; 0 if nothing.")
    values = OfferValues(
        name=name, title=title, kind=kind, terms=fields.text("terms"), cause=fields.one_of("cause", CAUSES) or None,
        rung=rung or (usual_rung(kind) if kind in KINDS else 1), cost_amount=cost or Decimal(0), currency=currency,
        limit_count=fields.whole("limit_count", least=1), valid_from=valid_from or date.min,
        valid_until=valid_until or date.max)
    if not _NAME.fullmatch(name):
        fields.errors.setdefault("name", "Use small letters, digits and single hyphens, such as free-upgrade.")
    if valid_from and valid_until and valid_until < valid_from:
        fields.errors["valid_until"] = "The last day lies before the first."
    fields.finish()
    return values


def name_from(title: str) -> str:
    """A name for files made from a title: `Free upgrade!` → `free-upgrade`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:100]
