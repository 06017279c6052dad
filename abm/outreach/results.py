"""Reading what a campaign brought: by step, by reason, by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.models import Delivery, Event, Link, Run
from campaigns.states import BOOK_OF_STATE, DeliveryState


def list_reasons(session: Session, campaign_id: int) -> dict[str, int]:
    """Messages per reason, the frequent ones first."""
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    rows = session.execute(
        select(Delivery.reason, func.count()).where(Delivery.run_id.in_(runs), Delivery.reason.is_not(None))
        .group_by(Delivery.reason).order_by(func.count().desc(), Delivery.reason))
    return {reason: count for reason, count in rows if reason}


@dataclass(frozen=True)
class StepRow:
    """What became of one step: messages by book, and what came back from people (machines apart)."""

    position: int
    step: str
    channel: str
    books: dict[str, int]
    events: dict[str, int]


def list_step_results(session: Session, campaign_id: int) -> list[StepRow]:
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    counts = session.execute(
        select(Delivery.position, Delivery.step, Delivery.channel, Delivery.state, func.count())
        .where(Delivery.run_id.in_(runs))
        .group_by(Delivery.position, Delivery.step, Delivery.channel, Delivery.state).order_by(Delivery.position))
    steps: dict[tuple[int, str], StepRow] = {}
    for position, step, channel, state, count in counts:
        row = steps.setdefault((position, step), StepRow(position, step, channel, {}, {}))
        book = BOOK_OF_STATE[DeliveryState(state)]
        row.books[book] = row.books.get(book, 0) + count
    events = session.execute(
        select(Delivery.position, Delivery.step, Event.kind, func.count(Event.delivery_id.distinct()))
        .join(Event, Event.delivery_id == Delivery.id)
        .where(Delivery.run_id.in_(runs), Event.is_machine.is_(False))
        .group_by(Delivery.position, Delivery.step, Event.kind))
    for position, step, kind, count in events:
        steps[position, step].events[kind] = count
    return list(steps.values())


def list_link_clicks(session: Session, campaign_id: int) -> Sequence[Any]:
    """Rows of (url, people, machine clicks), the most clicked first."""
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    people = func.count(Event.contact_id.distinct()).filter(Event.is_machine.is_(False))
    machines = func.count().filter(Event.is_machine.is_(True))
    return session.execute(
        select(Link.url, people.label("people"), machines.label("machines"))
        .join(Event, Event.link_id == Link.id).join(Delivery, Delivery.id == Event.delivery_id)
        .where(Delivery.run_id.in_(runs)).group_by(Link.url).order_by(people.desc(), Link.url).limit(50)).all()
