"""What would go out on which day if the campaign were launched then: a simulation over people, calendars and caps.

It knows what is known now: nobody replies, orders or unsubscribes, calls are made on the day they are due, and other
campaigns add no touches and take nothing of the sender's limits. Locks end on their day.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.caps_rules import LONG
from campaigns.definition_values import BranchStep
from campaigns.dry_days import BLOCKED, DryRun, Lines
from campaigns.dry_limits import SenderDays
from campaigns.dry_simulation import Simulation
from campaigns.dry_spool import open_spool
from campaigns.due_times import DueTimes
from campaigns.eligibility import ENDS_ENROLMENT
from campaigns.facts import RunFacts
from campaigns.models import Campaign, ConversationLock, Touch
from campaigns.outside import Recipient, outside
from campaigns.sending import allowances
from campaigns.sending.routes import find_route
from campaigns.states import Channel, Reason
from campaigns.survey import Surveyed, Told, draw_preview, facts_of, survey, tell_nobody
from core import clock
from core.id_lists import is_among


def keep_nothing(_lines: Lines) -> None:
    """For those who want the sums alone."""


def dry_run(session: Session, *, campaign: Campaign, from_on: date | None = None, days: int = 30,
            keep: Callable[[Lines], None] = keep_nothing, told: Told = tell_nobody) -> DryRun:
    """Play a launch at the start of `from_on` (a day of the company; now when left out) for so many days.

    `keep` gets the lines in parts, each account's day in one of them. People are forgotten part by part. For senders
    with limits, where everybody's turn depends on all the others, what is still to come lies in a file meanwhile.
    """
    facts, policy = facts_of(campaign), outside().company.policy(session)
    zone = ZoneInfo(policy.zone)
    start = datetime.combine(from_on, time(), zone).astimezone(UTC) if from_on else clock.now()
    first = start.astimezone(zone).date()
    until = start + timedelta(days=days)
    simulation = Simulation(facts, policy, DryRun(first, days, until), until, _read_locks(session, start),
                            DueTimes(facts, policy), _read_sender(session, facts, start))
    people = survey(session, campaign, position=facts.definition.first_delivering, at=start,
                    held_out=draw_preview(session, campaign).accounts, told=told)
    if simulation.sender.keeps_no_turns:
        _play_by_account(session, simulation, people, start, keep)
    else:
        _play_by_time(session, simulation, people, start, keep, told)
    return simulation.result


def _play_by_account(session: Session, simulation: Simulation, people: Iterable[list[Surveyed]], start: datetime,
                     keep: Callable[[Lines], None]) -> None:
    """Nobody waits for others at other accounts: each part of the accounts is played to its end."""
    for chunk in people:
        recipients = _take(simulation, chunk, start)
        _learn(session, simulation, recipients, start)
        keep(simulation.play(recipients))


def _play_by_time(session: Session, simulation: Simulation, people: Iterable[list[Surveyed]], start: datetime,
                  keep: Callable[[Lines], None], told: Told) -> None:
    """Everybody in the order of time, so many at once; whoever has others before them waits in the spool."""
    simulation.made, count = [], 0
    with open_spool() as spool:
        for chunk in people:
            _take(simulation, chunk, start)
            spool.add_lines(simulation.take_lines())
            spool.put(simulation.take_queue())
            count += len(chunk)
        while events := spool.take():
            told(count, count)
            recipients = outside().people.recipients(session, list({event.contact_id for event in events}))
            _learn(session, simulation, recipients, start)
            spool.recall(simulation, recipients.values(), since=events[0].at - LONG)
            simulation.queue, simulation.last = events, events[-1]
            spool.add_lines(simulation.play(recipients))
            spool.put(simulation.later)
            spool.remember(simulation.made)
            simulation.later, simulation.made = [], []
        for lines in spool.lines():
            keep(lines)


def _take(simulation: Simulation, chunk: Iterable[Surveyed], start: datetime) -> dict[int, Recipient]:
    """Put people before the first step, but for those who never begin."""
    recipients: dict[int, Recipient] = {}
    first, delay = simulation.facts.definition.first_delivering, simulation.facts.definition.steps[0].after
    for one in chunk:
        person, stop = one.recipient, one.objection
        if stop is not None and (stop.reason in ENDS_ENROLMENT or stop.reason == Reason.SAME_MAILBOX):
            simulation.note(one.due_at, person, first, BLOCKED, stop.reason)
            continue
        recipients[person.contact_id] = person
        if one.due_at == simulation.due.due_at(delay, start, person):
            simulation.note_closed(simulation.due.meant_and_due(delay, start, person)[0], one.due_at, person, 0)
        simulation.push(one.due_at, person.contact_id, 0)
    return recipients


def _learn(session: Session, simulation: Simulation, recipients: Mapping[int, Recipient], start: datetime) -> None:
    """What must be known of these people before they are played."""
    simulation.fitting = _find_fitting(session, simulation.facts, list(recipients))
    simulation.unposted = _find_unposted(session, simulation.facts, list(recipients))
    _read_touches(session, simulation, recipients.values(), start)


def _find_fitting(session: Session, facts: RunFacts, contact_ids: list[int]) -> dict[int, set[int]]:
    """By the place of each branch that asks about a field: whom it fits now."""
    return {place: outside().people.fitting(session, step.test.rule, contact_ids)
            for place, step in enumerate(facts.definition.steps)
            if isinstance(step, BranchStep) and step.test.rule and contact_ids}


def _find_unposted(session: Session, facts: RunFacts, contact_ids: list[int]) -> set[int]:
    """Of these people those for whom no street and city is on file, where a step is a letter."""
    if not any(step.channel == Channel.LETTER for step in facts.definition.steps):
        return set()
    return set(contact_ids) - outside().people.postal_addresses(session, contact_ids).keys()


def _read_sender(session: Session, facts: RunFacts, at: datetime) -> SenderDays:
    route, day = find_route(session, facts.definition.sender.email), allowances.day_of(session, at)
    sender = SenderDays(route, ZoneInfo(outside().company.policy(session).zone))
    sender.used[date.fromisoformat(day.window)] = allowances.used_on(session, route.identity_id, day.window)
    return sender


def _read_locks(session: Session, at: datetime) -> dict[int, datetime]:
    return dict(session.execute(select(ConversationLock.account_id, ConversationLock.until)
                                .where(ConversationLock.until > at)).all())


def _read_touches(session: Session, simulation: Simulation, people: Iterable[Recipient], at: datetime) -> None:
    """What these accounts and people have had in the last 30 days."""
    people = list(people)
    if not people:
        return
    recent = (select(Touch.account_id, Touch.contact_id, Touch.points, Touch.at)
              .where(Touch.at > at - LONG, Touch.at <= at))
    accounts, contacts = {person.account_id for person in people}, {person.contact_id for person in people}
    for account_id, _contact, points, moment in session.execute(
            recent.where(is_among(Touch.account_id, accounts)).order_by(Touch.at)):
        simulation.accounts[account_id].touches.append((moment, points))
    for _account, contact_id, _points, moment in session.execute(
            recent.where(is_among(Touch.contact_id, contacts)).order_by(Touch.at)):
        simulation.people[contact_id or 0].touches.append((moment, 1))
