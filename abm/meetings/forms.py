"""Forms of meetings → values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from abm.meetings.decisions import KINDS, DecisionValues
from abm.web.fields import Fields


@dataclass(frozen=True, slots=True)
class MeetingValues:
    title: str
    held_on: date


def parse_meeting(form: Mapping[str, str]) -> MeetingValues:
    fields = Fields(form)
    title = fields.text("title", longest=200) or "Sales and marketing, weekly"
    held_on = fields.day("held_on", missing="Say on which day it is held.")
    fields.finish()
    assert held_on is not None
    return MeetingValues(title, held_on)


def parse_decision(form: Mapping[str, str], *, today: date) -> DecisionValues:
    """What was decided. Raises InvalidInput with a sentence per field; what a kind needs is checked when deciding."""
    fields = Fields(form)
    values = DecisionValues(
        item=fields.text("item", longest=40), kind=fields.one_of("kind", KINDS, missing="Choose what is decided."),
        text=fields.text("text", missing="Say it in one sentence.", longest=300), reason=fields.text("reason"),
        owner_id=fields.whole("owner_id", least=1), account_id=fields.whole("account_id", least=1),
        campaign_id=fields.whole("campaign_id", least=1), effective_on=fields.day("effective_on") or today,
        review_on=fields.day("review_on"))
    fields.finish()
    return values
