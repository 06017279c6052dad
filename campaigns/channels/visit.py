"""The visit channel: a visit that has come due becomes a task of a seller, with its eight steps to walk through."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from campaigns.channels.base import Making, PlacedChannel
from campaigns.contents import spoken_words
from campaigns.definition_values import VisitStep
from campaigns.outside import CallRequest, outside
from campaigns.rendering import render_script


def make(making: Making) -> CallRequest:
    """The visit with its brief filled in, in the language of whom it is about; what is not known shows as a dash."""
    due, step = making.due, making.step
    assert isinstance(step, VisitStep)
    words = spoken_words(step, str(making.values.get("contact", {}).get("language") or ""))
    return CallRequest(
        delivery_id=due.id, account_id=due.account_id, contact_id=due.contact_id,
        campaign_title=making.definition.title, step=step.id, script=render_script(words, making.values),
        assign_to=step.assign_to, due_at=due.due_at)


def place(session: Session, requests: Sequence[CallRequest]) -> None:
    """Make the tasks; a repeat for the same delivery makes none."""
    outside().desk.place_visits(session, requests)


CHANNEL = PlacedChannel(make, place)
