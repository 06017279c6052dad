"""Reading what a campaign brought: by step, by reason, by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from campaigns.models import Delivery, Enrolment, Event, Link, Run
from campaigns.states import EnrolmentState, Reason
from campaigns.tally import Tally, of_campaign


@dataclass(frozen=True)
class PeopleUnderWay:
    """Who takes part, over all runs: `waiting` for a step that is not due yet (`next_due_at` the first of them), in the
    middle of one (`at_a_step`), at the end of their way (`finished`), or `stopped` before it."""

    waiting: int = 0
    at_a_step: int = 0
    finished: int = 0
    stopped: int = 0
    next_due_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.waiting + self.at_a_step + self.finished + self.stopped


def count_people_under_way(session: Session, campaign_id: int) -> PeopleUnderWay:
    """Held-out people stand outside, as in the books; so do moves, where somebody would be counted twice."""
    is_active = Enrolment.state == EnrolmentState.ACTIVE
    row = session.execute(
        select(func.count(case((is_active & Enrolment.next_due_at.is_not(None), 1))),
               func.count(case((is_active & Enrolment.next_due_at.is_(None), 1))),
               func.count(case((Enrolment.state == EnrolmentState.FINISHED, 1))),
               func.count(case((Enrolment.state.in_((EnrolmentState.STOPPED, EnrolmentState.CANCELLED)), 1))),
               func.min(case((is_active, Enrolment.next_due_at)), type_=Enrolment.next_due_at.type))
        .join(Run, Run.id == Enrolment.run_id)
        .where(Run.campaign_id == campaign_id, func.coalesce(Enrolment.end_reason, "").not_in(
            (Reason.HELD_OUT.value, Reason.MOVED.value)))).one()
    return PeopleUnderWay(*row)


@dataclass(frozen=True)
class StepRow:
    """What became of one step: messages by book, and what came back from people (machines apart)."""

    position: int
    step: str
    channel: str
    books: dict[str, int]
    events: dict[str, int]


def list_step_results(session: Session, tally: Tally) -> list[StepRow]:
    steps: dict[tuple[int, str], StepRow] = {}
    for line in sorted(tally.lines, key=lambda line: line.position):
        row = steps.setdefault((line.position, line.step), StepRow(line.position, line.step, line.channel, {}, {}))
        row.books[line.book] = row.books.get(line.book, 0) + line.messages
    events = session.execute(
        select(Delivery.position, Delivery.step, Event.kind, func.count(Event.delivery_id.distinct()))
        .join(Event, Event.delivery_id == Delivery.id)
        .where(*of_campaign(tally.campaign_id), Event.is_machine.is_(False))
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
