"""How people move through a run: a step that ended makes the next one due, a due step becomes deliveries.

An enrolment waits for a step (`next_due_at` set), or a step is under way (`next_due_at` null, its position is
`next_position` - 1). What ended a step decides: reasons about the person end the enrolment, all else goes on.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns import schedule
from campaigns.conditions import MEETING
from campaigns.definition_values import SILENT
from campaigns.eligibility import ENDS_ENROLMENT, objection_to
from campaigns.facts import RunFacts
from campaigns.inserting import insert_ignoring
from campaigns.models import Delivery, Enrolment, HoldoutGhost, Run
from campaigns.moving import CHUNK, Ended, finish_people, make_next_due
from campaigns.outside import outside
from campaigns.passing import DuePerson, pass_by, pass_silent_step
from campaigns.planning import Participant, plan_step, plans_alone
from campaigns.runs import get_run_facts, list_run_facts
from campaigns.states import AWAITED, OPEN_STATES, Channel, DeliveryState, EnrolmentState, Reason, RunState
from campaigns.stopping import note_meeting
from campaigns.suppressed import find_suppressed
from campaigns.waves import find_answered
from core import clock

_ENDED = tuple(state for state in DeliveryState if state not in OPEN_STATES)
_REASON_OF_STATE = {DeliveryState.BOUNCED_HARD: Reason.HARD_BOUNCE, DeliveryState.COMPLAINED: Reason.COMPLAINED}


def advance(session: Session, now: datetime | None = None) -> int:
    """Move everybody in active runs whose step has ended; how many enrolments changed. At most CHUNK per run and step,
    so call again while it returns something."""
    at = now or clock.now()
    return sum(_advance_run(session, run, at) for run in list_run_facts(session, states=(RunState.ACTIVE,)))


def _advance_run(session: Session, run: RunFacts, at: datetime) -> int:
    moved = _end_undone(session, run, at)
    for position in _delivering(run):
        moved += _stop_ended_people(session, run, position, at)
        following = run.definition.position_after(position)
        if following is None:
            moved += _finish_people(session, run, position, at)
        else:
            ended = _ended_people(session, run, position, at)
            make_next_due(session, run, following, ended, at=at)
            moved += len(ended)
    return moved


def _delivering(run: RunFacts) -> list[int]:
    return [position for position, step in enumerate(run.definition.steps) if step.channel not in SILENT]


def _under_way(run: RunFacts, position: int) -> ColumnElement[bool]:
    return and_(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE,
                Enrolment.next_due_at.is_(None), Enrolment.next_position == position + 1)


def _delivery_of(run: RunFacts, position: int) -> ColumnElement[bool]:
    """The enrolled person's own delivery of the step that has ended. A call, visit or letter that was handed over has
    not: it ends when a person says so (`end_step`, posting) or by not being done in time."""
    is_awaited = and_(Delivery.channel.in_(list(AWAITED)), Delivery.state == DeliveryState.SENT,
                      Delivery.reason.is_(None))
    return and_(Delivery.run_id == run.run_id, Delivery.position == position, Delivery.generation == 1,
                Delivery.contact_id == Enrolment.contact_id, Delivery.state.in_(_ENDED), ~is_awaited)


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


def _ended_people(session: Session, run: RunFacts, position: int, at: datetime) -> list[Ended]:
    rows = session.execute(
        select(Enrolment.id, Enrolment.contact_id, Delivery.ended_at, Delivery.sent_at)
        .join(Delivery, _delivery_of(run, position)).where(_under_way(run, position)).limit(CHUNK))
    return [Ended(row.id, row.contact_id, row.ended_at or row.sent_at or at) for row in rows]


def _end_undone(session: Session, run: RunFacts, at: datetime) -> int:
    """What nobody did in its working days counts as skipped: its step ends, with the reason. Of a call that was put off
    by agreement they count from the promised time."""
    skipped = 0
    for channel in {step.channel for step in run.definition.steps} & set(AWAITED):
        awaited = Channel(channel)
        deadline = _deadline(session, at, AWAITED[awaited])
        skipped += session.connection().execute(
            update(Delivery)
            .where(Delivery.run_id == run.run_id, Delivery.channel == channel, Delivery.state == DeliveryState.SENT,
                   Delivery.reason.is_(None), Delivery.sent_at <= deadline,
                   ~outside().desk.is_promised(Delivery.id.expression, after=deadline))
            .values(reason=_NOT_DONE[awaited].value, ended_at=at)).rowcount
    return skipped


_NOT_DONE = {Channel.CALL: Reason.CALL_NOT_DONE, Channel.LETTER: Reason.LETTER_NOT_POSTED,
             Channel.VISIT: Reason.VISIT_NOT_DONE}


def _deadline(session: Session, at: datetime, days: int) -> datetime:
    """What was handed over up to this moment has had its working days on the company's calendar."""
    policy = outside().company.policy(session)
    zone, weekdays = ZoneInfo(policy.zone), schedule.weekdays_of(policy.working_days)
    local = at.astimezone(zone)
    day = local.date()
    while schedule.add_working_days(day, days, weekdays, policy.country) > local.date():
        day -= timedelta(days=1)
    is_today = schedule.add_working_days(day, days, weekdays, policy.country) == local.date()
    return datetime.combine(day, local.time() if is_today else time.max, zone)


def end_step(session: Session, *, delivery_id: int, at: datetime, outcome: str) -> None:
    """A call or visit is over because the seller said so; the person's next step counts from `at`.

    `outcome` is kept with the delivery; `meeting` stops the account in campaigns that stop on
    one. Harmless when repeated, and when the person has moved on or was stopped.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None or delivery.reason is not None:
        return
    delivery.reason, delivery.ended_at = f"{delivery.channel}_{outcome or 'done'}"[:40], at
    session.flush()
    if outcome == MEETING:
        note_meeting(session, account_id=delivery.account_id, contact_id=delivery.contact_id, at=at,
                     key=str(delivery.id))
    run = get_run_facts(session, delivery.run_id)
    ended = [person for person in _ended_people(session, run, delivery.position, at)
             if person.contact_id == delivery.contact_id]
    following = run.definition.position_after(delivery.position)
    if following is not None:
        make_next_due(session, run, following, ended, at=at)


def plan_due_steps(session: Session, now: datetime | None = None) -> int:
    """Write the deliveries (or ghosts) of every step that has come due in active runs; how many people. Call again
    while it returns something."""
    at = now or clock.now()
    return sum(_plan_due(session, run, at) for run in list_run_facts(session, states=(RunState.ACTIVE,)))


def _plan_due(session: Session, run: RunFacts, at: datetime) -> int:
    if not plans_alone(session, run):
        return 0
    rows = session.execute(
        select(Enrolment.id, Enrolment.account_id, Enrolment.contact_id, Enrolment.next_position,
               Enrolment.next_due_at, Enrolment.end_reason, Enrolment.enrolled_at, Enrolment.wave)
        .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE, Enrolment.next_due_at <= at)
        .order_by(Enrolment.next_due_at, Enrolment.id).limit(CHUNK).with_for_update(skip_locked=True)).all()
    groups: dict[int, list[DuePerson]] = {}
    for row in rows:
        groups.setdefault(row.next_position, []).append(DuePerson(
            row.id, row.account_id, row.contact_id, row.next_due_at, row.enrolled_at,
            row.end_reason == Reason.HELD_OUT, row.wave))
    for position, group in groups.items():
        _begin_step(session, run, _stop_later_waves(session, run, group, at) if position == 0 else group, position, at)
    return len(rows)


def _begin_step(session: Session, run: RunFacts, group: list[DuePerson], position: int, at: datetime) -> None:
    """Wait over, branch decided, or deliveries written (ghosts for the held out)."""
    step = run.definition.steps[position]
    if step.channel in SILENT:
        pass_silent_step(session, run, group, position, at=at)
        return
    if step.roles:
        recipients = outside().people.recipients(session, [one.contact_id for one in group])
        others = {one.contact_id for one in group
                  if one.contact_id in recipients and recipients[one.contact_id].role not in step.roles}
        pass_by(session, run, [one for one in group if one.contact_id in others], position,
                because=f"the step is for {', '.join(step.roles)}", at=at)
        group = [one for one in group if one.contact_id not in others]
    held_out = [one for one in group if one.is_held_out]
    if held_out:
        _write_ghosts(session, run, held_out, position, at)
    written = [one for one in group if not one.is_held_out]
    if written:
        people = [Participant(one.enrolment_id, one.account_id, one.contact_id) for one in written]
        plan_step(session, run, people, position=position, due={one.contact_id: one.due_at for one in written})
        _step_begins(session, people, position)


def _stop_later_waves(session: Session, run: RunFacts, group: list[DuePerson], at: datetime) -> list[DuePerson]:
    """Ends the way of those who were to follow only if nobody before them had answered; the rest."""
    stopped: set[int] = set()
    for place, wave in enumerate(run.definition.people.waves):
        waiting = {one.account_id for one in group if one.wave == place}
        answered = find_answered(session, run, waiting, wave.unless)
        stopped |= {one.enrolment_id for one in group if one.wave == place and one.account_id in answered}
    if stopped:
        session.connection().execute(
            update(Enrolment).where(Enrolment.id.in_(stopped), Enrolment.state == EnrolmentState.ACTIVE)
            .values(state=EnrolmentState.STOPPED, ended_at=at, next_due_at=None,
                    end_reason=func.coalesce(Enrolment.end_reason, Reason.EARLIER_WAVE.value)))
    return [one for one in group if one.enrolment_id not in stopped]


def _step_begins(session: Session, people: Iterable[Participant], position: int) -> None:
    session.connection().execute(
        update(Enrolment).where(Enrolment.id.in_([person.enrolment_id for person in people]))
        .values(next_position=position + 1, next_due_at=None))


def _write_ghosts(session: Session, run: RunFacts, people: list[DuePerson], position: int, at: datetime) -> None:
    """What held-out people would have been sent now; who could not have been written to gets no ghost and leaves."""
    recipients = outside().people.recipients(session, [person.contact_id for person in people])
    rules = outside().company.policy(session).country_rules
    stops = find_suppressed(session, recipients.values(), purpose=run.purpose)
    channel, reached, gone = run.definition.steps[position].channel, [], []
    for person in people:
        objection = stops.get(person.contact_id) or objection_to(
            recipients.get(person.contact_id), channel=channel, rules=rules, at=at)
        if objection is None:
            reached.append(person)
        elif objection.reason in ENDS_ENROLMENT:
            gone.append(person)
    insert_ignoring(session, HoldoutGhost, [
        {"run_id": run.run_id, "contact_id": person.contact_id, "position": position, "account_id": person.account_id,
         "would_have_sent_at": at} for person in reached])
    finish_people(session, [person.enrolment_id for person in gone], at=at)
    make_next_due(session, run, run.definition.position_after(position),
                  [Ended(person.enrolment_id, person.contact_id, at) for person in people if person not in gone], at=at)


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
               for position in _delivering(run))
