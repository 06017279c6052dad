"""How people move through a run: a step that ended makes the next one due, a due step becomes deliveries.

An enrolment waits for a step (`next_due_at` set), or a step is under way (`next_due_at` null, its position is
`next_position` - 1). What ended a step decides: reasons about the person end the enrolment, all else goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, update
from sqlalchemy.orm import Session

from campaigns import schedule
from campaigns.conditions import MEETING
from campaigns.eligibility import ENDS_ENROLMENT, objection_to
from campaigns.facts import RunFacts
from campaigns.inserting import insert_ignoring
from campaigns.models import Delivery, Enrolment, HoldoutGhost, Run
from campaigns.outside import outside
from campaigns.planning import DueTimes, Participant, enrol, plan_step, select_intended
from campaigns.runs import get_run_facts, list_run_facts
from campaigns.states import OPEN_STATES, Channel, DeliveryState, EnrolmentState, Reason, RunState
from campaigns.stopping import note_meeting
from campaigns.suppressed import find_suppressed
from core import clock

CHUNK = 5_000
CALL_WORKING_DAYS = 5
_ENDED = tuple(state for state in DeliveryState if state not in OPEN_STATES)
_REASON_OF_STATE = {DeliveryState.BOUNCED_HARD: Reason.HARD_BOUNCE, DeliveryState.COMPLAINED: Reason.COMPLAINED}


@dataclass(frozen=True, slots=True)
class _Ended:
    """A person whose step is over."""

    enrolment_id: int
    contact_id: int
    at: datetime


def advance(session: Session, now: datetime | None = None) -> int:
    """Move everybody in active runs whose step has ended; how many enrolments changed. At most CHUNK per run and step,
    so call again while it returns something."""
    at = now or clock.now()
    return sum(_advance_run(session, run, at) for run in list_run_facts(session, states=(RunState.ACTIVE,)))


def _advance_run(session: Session, run: RunFacts, at: datetime) -> int:
    moved = _end_undone_calls(session, run, at)
    for position in range(len(run.definition.steps)):
        moved += _stop_ended_people(session, run, position, at)
        if position == len(run.definition.steps) - 1:
            moved += _finish_people(session, run, position, at)
        else:
            ended = _ended_people(session, run, position, at)
            _make_next_due(session, run, position + 1, ended)
            moved += len(ended)
    return moved


def _under_way(run: RunFacts, position: int) -> ColumnElement[bool]:
    return and_(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE,
                Enrolment.next_due_at.is_(None), Enrolment.next_position == position + 1)


def _delivery_of(run: RunFacts, position: int) -> ColumnElement[bool]:
    """The enrolled person's own delivery of the step that has ended. A call that was handed to a seller has not: it
    ends by `end_step` or by not being done in time."""
    is_open_call = and_(Delivery.channel == Channel.CALL, Delivery.state == DeliveryState.SENT,
                        Delivery.reason.is_(None))
    return and_(Delivery.run_id == run.run_id, Delivery.position == position, Delivery.generation == 1,
                Delivery.contact_id == Enrolment.contact_id, Delivery.state.in_(_ENDED), ~is_open_call)


def _stop_ended_people(session: Session, run: RunFacts, position: int, at: datetime) -> int:
    reason = case(*((Delivery.state == state, why.value) for state, why in _REASON_OF_STATE.items()),
                  else_=Delivery.reason)
    about_person = or_(Delivery.state.in_(list(_REASON_OF_STATE)),
                       Delivery.reason.in_([why.value for why in ENDS_ENROLMENT]))
    ended = and_(_delivery_of(run, position), about_person)
    stopped = session.connection().execute(
        update(Enrolment).where(_under_way(run, position), exists().where(ended))
        .values(state=EnrolmentState.STOPPED, ended_at=at,
                end_reason=select(reason).where(ended).correlate(Enrolment).scalar_subquery()))
    return stopped.rowcount


def _finish_people(session: Session, run: RunFacts, position: int, at: datetime) -> int:
    finished = session.connection().execute(
        update(Enrolment).where(_under_way(run, position), exists().where(_delivery_of(run, position)))
        .values(state=EnrolmentState.FINISHED, ended_at=at))
    return finished.rowcount


def _ended_people(session: Session, run: RunFacts, position: int, at: datetime) -> list[_Ended]:
    rows = session.execute(
        select(Enrolment.id, Enrolment.contact_id, Delivery.ended_at, Delivery.sent_at)
        .join(Delivery, _delivery_of(run, position)).where(_under_way(run, position)).limit(CHUNK))
    return [_Ended(row.id, row.contact_id, row.ended_at or row.sent_at or at) for row in rows]


def _make_next_due(session: Session, run: RunFacts, position: int, ended: Iterable[_Ended]) -> None:
    """Set when the step at `position` is due, computed once per minute of ending, zone and country."""
    people = list(ended)
    if not people:
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


def _end_undone_calls(session: Session, run: RunFacts, at: datetime) -> int:
    """A call that nobody made within 5 working days counts as skipped: its step ends, with the reason."""
    if not any(step.channel == Channel.CALL for step in run.definition.steps):
        return 0
    skipped = session.connection().execute(
        update(Delivery)
        .where(Delivery.run_id == run.run_id, Delivery.channel == Channel.CALL, Delivery.state == DeliveryState.SENT,
               Delivery.reason.is_(None), Delivery.sent_at <= _call_deadline(session, at))
        .values(reason=Reason.CALL_NOT_DONE.value, ended_at=at))
    return skipped.rowcount


def _call_deadline(session: Session, at: datetime) -> datetime:
    """Calls handed over up to this moment have had their 5 working days on the company's calendar."""
    policy = outside().company.policy(session)
    zone, weekdays = ZoneInfo(policy.zone), schedule.weekdays_of(policy.working_days)
    local = at.astimezone(zone)
    day = local.date()
    while schedule.add_working_days(day, CALL_WORKING_DAYS, weekdays, policy.country) > local.date():
        day -= timedelta(days=1)
    is_today = schedule.add_working_days(day, CALL_WORKING_DAYS, weekdays, policy.country) == local.date()
    return datetime.combine(day, local.time() if is_today else time.max, zone)


def end_step(session: Session, *, delivery_id: int, at: datetime, outcome: str) -> None:
    """A call step is over because the seller said so; the person's next step counts from `at`.

    `outcome` is kept with the delivery; `meeting` stops the account in campaigns that stop on
    one. Harmless when repeated, and when the person has moved on or was stopped.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None or delivery.reason is not None:
        return
    delivery.reason, delivery.ended_at = f"call_{outcome}"[:40] if outcome else Reason.CALL_DONE.value, at
    session.flush()
    if outcome == MEETING:
        note_meeting(session, account_id=delivery.account_id, contact_id=delivery.contact_id, at=at,
                     key=str(delivery.id))
    run = get_run_facts(session, delivery.run_id)
    ended = [person for person in _ended_people(session, run, delivery.position, at)
             if person.contact_id == delivery.contact_id]
    if delivery.position + 1 < len(run.definition.steps):
        _make_next_due(session, run, delivery.position + 1, ended)


def plan_due_steps(session: Session, now: datetime | None = None) -> int:
    """Write the deliveries (or ghosts) of every step that has come due in active runs; how many people. Call again
    while it returns something."""
    at = now or clock.now()
    return sum(_plan_due(session, run, at) for run in list_run_facts(session, states=(RunState.ACTIVE,)))


def _plans_alone(session: Session, run: RunFacts) -> bool:
    """Take the run for this transaction, so that two planners cannot give one mailbox to two people; False when another
    one has it or it is not active any more."""
    return session.scalar(select(Run.id).where(Run.id == run.run_id, Run.state == RunState.ACTIVE)
                          .with_for_update(skip_locked=True, key_share=True)) is not None


def _plan_due(session: Session, run: RunFacts, at: datetime) -> int:
    if not _plans_alone(session, run):
        return 0
    rows = session.execute(
        select(Enrolment.id, Enrolment.account_id, Enrolment.contact_id, Enrolment.next_position,
               Enrolment.next_due_at, Enrolment.end_reason)
        .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE, Enrolment.next_due_at <= at)
        .order_by(Enrolment.next_due_at, Enrolment.id).limit(CHUNK).with_for_update(skip_locked=True)).all()
    groups: dict[tuple[int, bool], list[Any]] = {}
    for row in rows:
        groups.setdefault((row.next_position, row.end_reason == Reason.HELD_OUT), []).append(row)
    for (position, is_held_out), group in groups.items():
        people = [Participant(row.id, row.account_id, row.contact_id) for row in group]
        if is_held_out:
            _write_ghosts(session, run, people, position, at)
        else:
            due = {row.contact_id: row.next_due_at for row in group}
            plan_step(session, run, people, position=position, due=due)
            _step_begins(session, people, position)
    return len(rows)


def _step_begins(session: Session, people: Iterable[Participant], position: int) -> None:
    session.connection().execute(
        update(Enrolment).where(Enrolment.id.in_([person.enrolment_id for person in people]))
        .values(next_position=position + 1, next_due_at=None))


def _write_ghosts(session: Session, run: RunFacts, people: list[Participant], position: int, at: datetime) -> None:
    """What held-out people would have been sent now; who could not have been written to gets no ghost and leaves."""
    recipients = outside().people.recipients(session, [person.contact_id for person in people])
    consent_countries = outside().company.policy(session).consent_countries
    stops = find_suppressed(session, recipients.values(), purpose=run.purpose)
    channel, reached, gone = run.definition.steps[position].channel, [], []
    for person in people:
        objection = stops.get(person.contact_id) or objection_to(
            recipients.get(person.contact_id), channel=channel, consent_countries=consent_countries)
        if objection is None:
            reached.append(person)
        elif objection.reason in ENDS_ENROLMENT:
            gone.append(person)
    insert_ignoring(session, HoldoutGhost, [
        {"run_id": run.run_id, "contact_id": person.contact_id, "position": position, "account_id": person.account_id,
         "would_have_sent_at": at} for person in reached])
    left = {person.enrolment_id for person in gone}
    if position + 1 == len(run.definition.steps):
        left = {person.enrolment_id for person in people}
    session.connection().execute(update(Enrolment).where(Enrolment.id.in_(left))
                                 .values(state=EnrolmentState.FINISHED, ended_at=at, next_due_at=None))
    _make_next_due(session, run, position + 1,
                   [_Ended(person.enrolment_id, person.contact_id, at) for person in people
                    if person.enrolment_id not in left])


def enrol_newcomers(session: Session, now: datetime | None = None) -> int:
    """In active runs with continuous enrolment, enrol who matches by now; at most CHUNK per run."""
    at, enrolled = now or clock.now(), 0
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        if not run.definition.is_continuous or not _plans_alone(session, run):
            continue
        people = select_intended(session, run, per_account=run.definition.people.per_account).subquery()
        is_there = exists().where(Enrolment.run_id == run.run_id, Enrolment.contact_id == people.c.contact_id)
        rows = session.execute(select(people.c.contact_id, people.c.account_id).where(~is_there)
                               .order_by(people.c.contact_id).limit(CHUNK))
        enrolled += enrol(session, run, [(row[0], row[1], True) for row in rows], at=at)
    return enrolled


def has_progress_due(session: Session, now: datetime | None = None) -> bool:
    """True while a step of an active run is due to be planned, or somebody's step has ended and nobody moved them."""
    at = now or clock.now()
    due = select(Enrolment.id).join(Run, Run.id == Enrolment.run_id).where(
        Run.state == RunState.ACTIVE, Enrolment.state == EnrolmentState.ACTIVE, Enrolment.next_due_at <= at).limit(1)
    if session.scalar(due) is not None:
        return True
    return any(_has_ended_people(session, run) for run in list_run_facts(session, states=(RunState.ACTIVE,)))


def _has_ended_people(session: Session, run: RunFacts) -> bool:
    return any(session.scalar(select(Enrolment.id).join(Delivery, _delivery_of(run, position))
                              .where(_under_way(run, position)).limit(1)) is not None
               for position in range(len(run.definition.steps)))
