"""What would go out on which day if the campaign were launched then: a simulation over people, calendars and caps.

It knows what is known now: nobody replies, orders or unsubscribes, calls are made on the day they are due, and other
campaigns add no touches and take nothing of the sender's limits. Locks end on their day.
"""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import caps
from campaigns.caps_rules import LONG, SHORT, Used, refuse
from campaigns.definition_values import SILENT, BranchStep
from campaigns.dry_limits import SenderDays
from campaigns.due_times import DueTimes
from campaigns.eligibility import ENDS_ENROLMENT, objection_to
from campaigns.facts import RunFacts
from campaigns.models import Campaign, ConversationLock, Touch
from campaigns.outside import Policy, Recipient, outside
from campaigns.sending import allowances
from campaigns.sending.routes import find_route
from campaigns.states import Channel, Reason
from campaigns.survey import Surveyed, Told, draw_preview, facts_of, survey, tell_nobody
from core import clock
from core.id_lists import is_among

GOES, DEFERRED, BLOCKED = "goes", "deferred", "blocked"
FARTHEST = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True)
class Line:
    """One account on one day of the company's calendar: what becomes of a step there, for how many people."""

    day: date
    account_id: int
    step: str
    channel: str
    outcome: str
    reason: str


Lines = Counter[Line]


@dataclass
class Day:
    """A day's sums over all accounts, in people; `reasons` of those deferred and blocked."""

    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    cost: Decimal = Decimal(0)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, people: int, each: Decimal) -> None:
        self.outcomes[line.outcome] += people
        if line.outcome == GOES:
            self.calls += people if line.channel == Channel.CALL else 0
            self.cost += people * each
        if line.reason:
            self.reasons[line.reason] += people


@dataclass
class DryRun:
    """Sums by day of the company's calendar. `finishes_at`: when the last of all touches would be made, also after the
    days asked for; None when there is none, or none within FARTHEST."""

    first: date
    days: int
    until: datetime
    by_day: dict[date, Day] = field(default_factory=lambda: defaultdict(Day))
    finishes_at: datetime | None = None

    @property
    def finishes_within(self) -> bool:
        """Whether the last touch lies within the days asked for."""
        return self.finishes_at is not None and self.finishes_at < self.until

    def totals(self) -> list[dict[str, Any]]:
        """Per day with anything on it: day, goes, deferred, blocked, calls, cost and the reasons."""
        return [{"day": day.isoformat(), **{one: sums.outcomes[one] for one in (GOES, DEFERRED, BLOCKED)},
                 "calls": sums.calls, "cost": float(sums.cost), "reasons": dict(sums.reasons)}
                for day, sums in sorted(self.by_day.items())]


@dataclass
class _Budget:
    """Touches of one account or person, sliding with the simulation's clock."""

    touches: deque[tuple[datetime, int]] = field(default_factory=deque)

    def used(self, at: datetime) -> Used:
        while self.touches and self.touches[0][0] <= at - LONG:
            self.touches.popleft()
        recent = [(moment, amount) for moment, amount in self.touches if moment > at - SHORT]
        return Used(
            short=sum(amount for _moment, amount in recent), long=sum(amount for _moment, amount in self.touches),
            oldest_short=recent[0][0] if recent else None, oldest_long=self.touches[0][0] if self.touches else None)


@dataclass
class _Simulation:
    facts: RunFacts
    policy: Policy
    result: DryRun
    until: datetime
    locks: dict[int, datetime]
    due: DueTimes
    sender: SenderDays
    lines: Lines = field(default_factory=Counter)
    accounts: dict[int, _Budget] = field(default_factory=lambda: defaultdict(_Budget))
    people: dict[int, _Budget] = field(default_factory=lambda: defaultdict(_Budget))
    queue: list[tuple[datetime, int, int]] = field(default_factory=list)
    fitting: dict[int, set[int]] = field(default_factory=dict)
    unposted: set[int] = field(default_factory=set)

    def note(self, at: datetime, person: Recipient, position: int, outcome: str, reason: str = "") -> None:
        if at >= self.until:
            return
        step = self.facts.definition.steps[position]
        day = at.astimezone(ZoneInfo(self.policy.zone)).date()
        self.lines[Line(day, person.account_id, step.id, step.channel, outcome, reason)] += 1

    def play(self, recipients: dict[int, Recipient]) -> Lines:
        """Everybody's way to its end; then these people are forgotten. What came of it, account by account."""
        while self.queue:
            at, contact_id, position = heapq.heappop(self.queue)
            if at < self.until + FARTHEST:
                self._try(at, recipients[contact_id], position)
        lines, self.lines = self.lines, Counter()
        for line, people in lines.items():
            each = Decimal(str(self.policy.channel_costs.get(line.channel, 0)))
            self.result.by_day[line.day].add(line, people, each)
        self.accounts.clear()
        self.people.clear()
        return lines

    def _try(self, at: datetime, person: Recipient, position: int) -> None:
        step = self.facts.definition.steps[position]
        if step.channel in SILENT or (step.roles and person.role not in step.roles):
            self._push_next(at, person, position)
            return
        objection = objection_to(person, channel=step.channel, rules=self.policy.country_rules, at=at)
        if objection:
            self.note(at, person, position, BLOCKED, objection.reason)
            if objection.reason not in ENDS_ENROLMENT:
                self._push_next(at, person, position)
            return
        if step.channel == Channel.LETTER and person.contact_id in self.unposted:
            self.note(at, person, position, BLOCKED, Reason.NO_ADDRESS)
            self._push_next(at, person, position)
            return
        wait = self._wait(at, person, position)
        if wait:
            until, reason = wait
            self.note(at, person, position, DEFERRED, reason)
            heapq.heappush(self.queue, (self.due.opening(until, person), person.contact_id, position))
            return
        self.note(at, person, position, GOES)
        left_at = self.sender.hand_over(at) if step.channel == Channel.EMAIL else at
        self.result.finishes_at = max(self.result.finishes_at or left_at, left_at)
        points = caps.points_of(self.policy, step.channel)
        self.accounts[person.account_id].touches.append((at, points))
        self.people[person.contact_id].touches.append((at, 1))
        self._push_next(at, person, position)

    def _wait(self, at: datetime, person: Recipient, position: int) -> tuple[datetime, Reason] | None:
        if self.locks.get(person.account_id, at) > at:
            return self.locks[person.account_id], Reason.CONVERSATION_LOCKED
        if not self.facts.is_cap_exempt and (over := self._over_cap(at, person, position)):
            return over
        if self.facts.definition.steps[position].channel != Channel.EMAIL:
            return None
        turn = self.sender.find_wait(
            at, key=(person.contact_id, position), domain=(person.email or "").rpartition("@")[2].lower(),
            opening=lambda moment: self.due.opening(moment, person), calendar=(person.zone, person.account_zone,
                                                                               person.country))
        return (turn, Reason.SENDING_LIMIT) if turn else None

    def _over_cap(self, at: datetime, person: Recipient, position: int) -> tuple[datetime, Reason] | None:
        points = caps.points_of(self.policy, self.facts.definition.steps[position].channel)
        refusal = (
            refuse("account", caps.account_limits(self.policy, person.tier), self.accounts[person.account_id].used(at),
                   points, at)
            or refuse("person", caps.person_limits(self.policy), self.people[person.contact_id].used(at), 1, at))
        return (refusal.until, Reason.OVER_CAP) if refusal and refusal.until else None

    def _push_next(self, at: datetime, person: Recipient, position: int) -> None:
        following = self._position_after(person, position)
        if following is not None:
            due_at = self.due.due_at(self.facts.definition.steps[following].after, at, person)
            heapq.heappush(self.queue, (due_at, person.contact_id, following))

    def _position_after(self, person: Recipient, position: int) -> int | None:
        """A branch about what people do is answered with no, since nobody does anything here."""
        definition = self.facts.definition
        step = definition.steps[position]
        if not isinstance(step, BranchStep):
            return definition.position_after(position)
        fits = person.contact_id in self.fitting.get(position, ())
        return definition.position_of_choice(position, step.then if fits else step.otherwise)


def keep_nothing(_lines: Lines) -> None:
    """For those who want the sums alone."""


def dry_run(session: Session, *, campaign: Campaign, from_on: date | None = None, days: int = 30,
            keep: Callable[[Lines], None] = keep_nothing, told: Told = tell_nobody) -> DryRun:
    """Play a launch at the start of `from_on` (a day of the company; now when left out) for so many days.

    `keep` gets the lines in parts, each account in one of them. People are forgotten part by part, but for senders with
    limits, where everybody's turn depends on all the others and there is one part.
    """
    facts, policy = facts_of(campaign), outside().company.policy(session)
    zone = ZoneInfo(policy.zone)
    start = datetime.combine(from_on, time(), zone).astimezone(UTC) if from_on else clock.now()
    first = start.astimezone(zone).date()
    until = start + timedelta(days=days)
    simulation = _Simulation(facts, policy, DryRun(first, days, until), until, _read_locks(session, start),
                             DueTimes(facts, policy), _read_sender(session, facts, start))
    held_out, position = draw_preview(session, campaign).accounts, facts.definition.first_delivering
    recipients: dict[int, Recipient] = {}

    def play() -> None:
        simulation.fitting = _find_fitting(session, facts, list(recipients))
        simulation.unposted = _find_unposted(session, facts, list(recipients))
        _read_touches(session, simulation, recipients.values(), start)
        keep(simulation.play(recipients))
        recipients.clear()

    for chunk in survey(session, campaign, position=position, at=start, held_out=held_out, told=told):
        _take(simulation, chunk, recipients)
        if simulation.sender.keeps_no_turns:
            play()
    play()
    return simulation.result


def _take(simulation: _Simulation, chunk: Iterable[Surveyed], recipients: dict[int, Recipient]) -> None:
    """Put people at their first step, but for those who never begin."""
    first = simulation.facts.definition.first_delivering
    for one in chunk:
        person, stop = one.recipient, one.objection
        if stop is not None and (stop.reason in ENDS_ENROLMENT or stop.reason == Reason.SAME_MAILBOX):
            simulation.note(one.due_at, person, first, BLOCKED, stop.reason)
            continue
        recipients[person.contact_id] = person
        heapq.heappush(simulation.queue, (one.due_at, person.contact_id, 0))


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


def _read_touches(session: Session, simulation: _Simulation, people: Iterable[Recipient], at: datetime) -> None:
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
