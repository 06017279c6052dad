"""People going through the steps of a campaign in the order of time: past calendars, caps, locks and limits."""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaigns import caps
from campaigns.caps_rules import LONG, SHORT, Used, refuse
from campaigns.definition_values import SILENT, BranchStep
from campaigns.dry_days import BLOCKED, DEFERRED, GOES, DryRun, Line, Lines
from campaigns.dry_limits import SenderDays
from campaigns.due_times import DueTimes
from campaigns.eligibility import ENDS_ENROLMENT, objection_to
from campaigns.facts import RunFacts
from campaigns.outside import Policy, Recipient
from campaigns.states import Channel, Reason

FARTHEST = timedelta(days=3 * 365)


class Event(NamedTuple):
    """A person who comes before a step; `promised`: the day (its ordinal) of a place the sender keeps, 0 for none."""

    at: datetime
    contact_id: int
    position: int
    promised: int


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
class Simulation:
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
    queue: list[Event] = field(default_factory=list)
    last: Event | None = None
    later: list[Event] = field(default_factory=list)
    made: list[tuple[int, datetime, int, int]] | None = None
    fitting: dict[int, set[int]] = field(default_factory=dict)
    unposted: set[int] = field(default_factory=set)

    def note(self, at: datetime, person: Recipient, position: int, outcome: str, reason: str = "") -> None:
        if at >= self.until:
            return
        step = self.facts.definition.steps[position]
        day = at.astimezone(ZoneInfo(self.policy.zone)).date()
        self.lines[Line(day, person.account_id, step.id, step.channel, outcome, reason)] += 1

    def push(self, at: datetime, contact_id: int, position: int, promised: date | None = None) -> None:
        """Put somebody before a step; what comes after `last` waits until others have been played up to there."""
        event = Event(at.astimezone(UTC), contact_id, position, promised.toordinal() if promised else 0)
        if self.last is not None and event > self.last:
            self.later.append(event)
        else:
            heapq.heappush(self.queue, event)

    def play(self, recipients: Mapping[int, Recipient]) -> Lines:
        """The way of everybody in the queue, up to `last`; then these people's touches are forgotten. What came of it,
        account by account."""
        while self.queue:
            event = heapq.heappop(self.queue)
            if event.at < self.until + FARTHEST and event.contact_id in recipients:
                self._try(event, recipients[event.contact_id])
        self.accounts.clear()
        self.people.clear()
        return self.take_lines()

    def take_queue(self) -> list[Event]:
        """Those who wait in the queue, who are the caller's from now on."""
        queue, self.queue = self.queue, []
        return queue

    def take_lines(self) -> Lines:
        """What was noted since the last time, added to the days' sums."""
        lines, self.lines = self.lines, Counter()
        for line, people in lines.items():
            each = Decimal(str(self.policy.channel_costs.get(line.channel, 0)))
            self.result.by_day[line.day].add(line, people, each)
        return lines

    def _try(self, event: Event, person: Recipient) -> None:
        at, position = event.at, event.position
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
        promised = date.fromordinal(event.promised) if event.promised else None
        wait = self._wait(at, person, position, promised)
        if wait:
            until, reason, promised = wait
            self.note(at, person, position, DEFERRED, reason)
            self.push(self.due.opening(until, person), person.contact_id, position, promised)
            return
        self.note(at, person, position, GOES)
        left_at = self.sender.hand_over(at) if step.channel == Channel.EMAIL else at
        self.result.finishes_at = max(self.result.finishes_at or left_at, left_at)
        points = caps.points_of(self.policy, step.channel)
        self.accounts[person.account_id].touches.append((at, points))
        self.people[person.contact_id].touches.append((at, 1))
        if self.made is not None:
            self.made.append((person.account_id, at, person.contact_id, points))
        self._push_next(at, person, position)

    def _wait(self, at: datetime, person: Recipient, position: int,
              promised: date | None) -> tuple[datetime, Reason, date | None] | None:
        """Until when and why it waits, and the day on which the sender keeps a place for it."""
        if self.locks.get(person.account_id, at) > at:
            return self.locks[person.account_id], Reason.CONVERSATION_LOCKED, promised
        if not self.facts.is_cap_exempt and (over := self._over_cap(at, person, position)):
            return *over, promised
        if self.facts.definition.steps[position].channel != Channel.EMAIL:
            return None
        turn = self.sender.find_wait(
            at, promised=promised, domain=(person.email or "").rpartition("@")[2].lower(),
            opening=lambda moment: self.due.opening(moment, person), calendar=(person.zone, person.account_zone,
                                                                               person.country))
        return (turn, Reason.SENDING_LIMIT, self.sender.day_of(turn)) if turn else None

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
            meant_at, due_at = self.due.meant_and_due(self.facts.definition.steps[following].after, at, person)
            self.note_closed(meant_at, due_at, person, following)
            self.push(due_at, person.contact_id, following)

    def note_closed(self, meant_at: datetime, due_at: datetime, person: Recipient, position: int) -> None:
        """What the window or a holiday puts off to another day is deferred on the day it was meant for."""
        zone = ZoneInfo(self.policy.zone)
        is_silent = self.facts.definition.steps[position].channel in SILENT
        if not is_silent and meant_at.astimezone(zone).date() != due_at.astimezone(zone).date():
            self.note(meant_at, person, position, DEFERRED, Reason.OUTSIDE_WINDOW)

    def _position_after(self, person: Recipient, position: int) -> int | None:
        """A branch about what people do is answered with no, since nobody does anything here."""
        definition = self.facts.definition
        step = definition.steps[position]
        if not isinstance(step, BranchStep):
            return definition.position_after(position)
        fits = person.contact_id in self.fitting.get(position, ())
        return definition.position_of_choice(position, step.then if fits else step.otherwise)
