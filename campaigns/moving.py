"""Setting people on to their next step, or ending their way where there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, update
from sqlalchemy.orm import Session

from campaigns.due_times import DueTimes
from campaigns.facts import RunFacts
from campaigns.models import Enrolment
from campaigns.outside import outside
from campaigns.states import EnrolmentState

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Ended:
    """A person whose step is over."""

    enrolment_id: int
    contact_id: int
    at: datetime


def make_next_due(session: Session, run: RunFacts, position: int | None, ended: Iterable[Ended], *,
                  at: datetime) -> None:
    """Set when the step at `position` is due, computed once per minute of ending, zone and country; None: the way of
    these people is over, at `at`."""
    people = list(ended)
    if not people:
        return
    if position is None:
        finish_people(session, [person.enrolment_id for person in people], at=at)
        return
    due = DueTimes(run, outside().company.policy(session))
    recipients = outside().people.recipients(session, [person.contact_id for person in people])
    delay = run.definition.steps[position].after
    by_due: dict[datetime, list[int]] = {}
    for person in people:
        due_at = due.due_at(delay, _minute_of(person.at), recipients.get(person.contact_id))
        by_due.setdefault(due_at, []).append(person.enrolment_id)
    _set_due(session, position, by_due)


def _minute_of(moment: datetime) -> datetime:
    """Down to the minute, so that a step that follows at once is due at once."""
    return moment.replace(second=0, microsecond=0)


def _set_due(session: Session, position: int, by_due: Mapping[datetime, list[int]]) -> None:
    """Leaves alone who was stopped, or moved by another worker, since they were read."""
    is_before = or_(Enrolment.next_position < position,
                    and_(Enrolment.next_position == position, Enrolment.next_due_at.is_(None)))
    for due_at, ids in sorted(by_due.items()):
        for start in range(0, len(ids), CHUNK):
            session.connection().execute(
                update(Enrolment).where(Enrolment.id.in_(ids[start:start + CHUNK]), is_before,
                                        Enrolment.state == EnrolmentState.ACTIVE)
                .values(next_position=position, next_due_at=due_at))


def finish_people(session: Session, enrolment_ids: Iterable[int], *, at: datetime) -> None:
    """Their way is over; who was stopped meanwhile stays stopped."""
    session.connection().execute(
        update(Enrolment).where(Enrolment.id.in_(list(enrolment_ids)), Enrolment.state == EnrolmentState.ACTIVE)
        .values(state=EnrolmentState.FINISHED, ended_at=at, next_due_at=None))
