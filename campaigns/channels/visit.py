"""The visit channel: a visit that has come due becomes a task of a seller, with its eight steps to walk through."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from campaigns.channels.base import Making, PlacedChannel
from campaigns.definition_values import VisitStep
from campaigns.outside import CallRequest, outside
from campaigns.rendering import render_script


def make(making: Making) -> CallRequest:
    """The visit with its brief filled in; what is not known shows as a dash."""
    due, step = making.due, making.step
    assert isinstance(step, VisitStep)
    return CallRequest(
        delivery_id=due.id, account_id=due.account_id, contact_id=due.contact_id,
        campaign_title=making.definition.title, step=step.id, script=render_script(step.brief, making.values),
        assign_to=step.assign_to, due_at=due.due_at)


def place(session: Session, requests: Sequence[CallRequest]) -> None:
    """Make the tasks; a repeat for the same delivery makes none."""
    outside().desk.place_visits(session, requests)


CHANNEL = PlacedChannel(make, place)
