"""How many messages of a campaign stand where, counted in one walk through them.

A campaign may have a million messages, and its pages ask again and again while it runs: what they show of the books are
sums of these few lines.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, true
from sqlalchemy.orm import Session

from campaigns.letters import TAKEN_BACK
from campaigns.models import Delivery, Run
from campaigns.states import AWAITED, BOOK_OF_STATE, Channel, DeliveryState, Reason, states_of
from core.db import is_postgres

Key = TypeVar("Key")
Runs = Select[int] | Sequence[int]
SPARSE = 4  # rows per row wanted from which on an index is worth its look-ups
SENT = frozenset(states_of("sent"))
NEVER_MADE = (Reason.CALL_NOT_DONE.value, Reason.VISIT_NOT_DONE.value, Reason.LETTER_NOT_POSTED.value, TAKEN_BACK,
              "visit_cancelled")
NOBODY_THERE = ("call_not_reached", "call_wrong_number", "visit_not_there")


@dataclass(frozen=True, slots=True)
class TallyLine:
    """Messages of one step of one run in one state for one reason (empty where there is none). Nobody has two of one
    generation, so that a line has as many people as messages."""

    run_id: int
    position: int
    step: str
    channel: str
    generation: int
    state: DeliveryState
    reason: str
    messages: int

    @property
    def book(self) -> str:
        return BOOK_OF_STATE[self.state]

    @property
    def is_made(self) -> bool:
        """Whether it was handed over and reached somebody: of calls, visits and letters, once a person said so."""
        is_said = bool(self.reason) and self.reason not in NEVER_MADE
        return self.state in SENT and (self.channel not in AWAITED or is_said)

    @property
    def has_reached(self) -> bool:
        """Whether people got it: an e-mail or a letter, or a call or visit where they were there."""
        return self.is_made and self.channel != Channel.WEBHOOK and self.reason not in NOBODY_THERE


@dataclass(frozen=True, slots=True)
class Tally:
    """`reach`: the conditions on the messages that were counted, see `reach_messages`."""

    campaign_id: int
    step: str
    lines: tuple[TallyLine, ...]
    reach: Sequence[ColumnElement[bool]] = field(compare=False, repr=False)

    def by_state(self) -> Counter[DeliveryState]:
        return _sum((line.state, line.messages) for line in self.lines)

    def by_reason(self, *, of_sent: bool = False) -> dict[str, int]:
        """Why messages were suppressed, deferred or failed (`of_sent`: or bounced), the frequent reasons first."""
        found = _sum((line.reason, line.messages) for line in self.lines
                     if line.reason and (of_sent or line.state not in SENT))
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def sent(self) -> list[TallyLine]:
        return [line for line in self.lines if line.state in SENT]


def _sum(counted: Iterable[tuple[Key, int]]) -> Counter[Key]:
    total: Counter[Key] = Counter()
    for key, count in counted:
        total[key] += count
    return total


def tally_messages(session: Session, campaign_id: int, *, step: str = "") -> Tally:
    """Over all runs; of one step alone where it is named. On SQLite two statements, else one."""
    # SQLite sorts for a GROUP BY, three times as fast by a text first; a step's place in its run says its name.
    kinds = (Delivery.state, Delivery.reason, Delivery.position, Delivery.run_id, Delivery.generation)
    reach = reach_messages(session, campaign_id, step)
    rows = session.execute(select(*kinds, func.min(Delivery.step), func.min(Delivery.channel), func.count())
                           .where(*reach).group_by(*kinds))
    return Tally(campaign_id, step, tuple(
        TallyLine(run_id, position, name, channel, generation, DeliveryState(state), reason or "", messages)
        for state, reason, position, run_id, generation, name, channel, messages in rows), reach)


def count_by_book(session: Session, campaign_ids: Collection[int] | None = None) -> dict[tuple[int, str], int]:
    """Messages by campaign and book, of these campaigns or of all. What waits is counted in its index; the rest has
    none, since that would cost each message that is sent."""
    runs = session.execute(select(Run.id, Run.campaign_id).where(
        true() if campaign_ids is None else Run.campaign_id.in_(campaign_ids)))
    of_run = {run_id: campaign_id for run_id, campaign_id in runs}
    is_wanted = () if campaign_ids is None else _reach(session, list(of_run))
    waiting = session.execute(select(Delivery.run_id, func.count()).where(
        text("delivery.is_waiting"), Delivery.run_id.in_(of_run)).group_by(Delivery.run_id)) if of_run else ()
    rest = session.execute(select(Delivery.run_id, Delivery.state, func.count()).where(
        *is_wanted, text("NOT delivery.is_waiting")).group_by(Delivery.state, Delivery.run_id)) if of_run else ()
    return _sum([*(((of_run[run_id], "queued"), count) for run_id, count in waiting),
                 *(((of_run[run_id], BOOK_OF_STATE[DeliveryState(state)]), count) for run_id, state, count in rest)])


def reach_messages(session: Session, campaign_id: int, step: str = "") -> Sequence[ColumnElement[bool]]:
    """The conditions of `of_campaign` in the form in which the database is quick."""
    return (*_reach(session, _runs_of(campaign_id)), *of_campaign(campaign_id, step)[1:])


def _reach(session: Session, runs: Runs) -> Sequence[ColumnElement[bool]]:
    """The condition that a delivery is one of these runs'; where most rows between the first and the last are, said so
    that SQLite reads the table from the one to the other: to find each by the index takes ten times as long. PostgreSQL
    decides that by itself."""
    is_ours = Delivery.run_id.in_(runs)
    if is_postgres(session):
        return (is_ours,)
    count, first, last = session.execute(
        select(func.count(), func.min(Delivery.id), func.max(Delivery.id)).where(is_ours)).one()
    if not count or last - first > count * SPARSE:
        return (is_ours,)
    return (Delivery.id.between(first, last), (Delivery.run_id + 0).in_(runs))


def of_campaign(campaign_id: int, step: str = "") -> tuple[ColumnElement[bool], ...]:
    """The conditions that a delivery belongs to the campaign, and to the step where it is named."""
    is_ours = Delivery.run_id.in_(_runs_of(campaign_id))
    return (is_ours, Delivery.step == step) if step else (is_ours,)


def _runs_of(campaign_id: int) -> Select[int]:
    return select(Run.id).where(Run.campaign_id == campaign_id)


def count_people_by_line(session: Session, tally: Tally) -> dict[tuple[DeliveryState, str], int]:
    """How many different people by state and reason; the database is asked only where somebody may have two."""
    lines: dict[tuple[DeliveryState, str], list[TallyLine]] = {}
    for line in tally.lines:
        lines.setdefault((line.state, line.reason), []).append(line)
    people = {key: found[0].messages for key, found in lines.items() if len(found) == 1}
    unsure = {state for state, reason in lines if (state, reason) not in people}
    if unsure:
        reason = func.coalesce(Delivery.reason, "")
        rows = session.execute(
            select(Delivery.state, reason, func.count(Delivery.contact_id.distinct()))
            .where(*of_campaign(tally.campaign_id, tally.step), Delivery.state.in_(unsure))
            .group_by(Delivery.state, reason))
        people |= {(DeliveryState(state), why): count for state, why, count in rows}
    return people


def count_people_reached(session: Session, tally: Tally) -> int:
    """People who got at least one e-mail or letter, or were talked to."""
    found = [line for line in tally.lines if line.has_reached]
    if len({(line.run_id, line.position, line.generation) for line in found}) < 2:
        return sum(line.messages for line in found)
    return session.scalar(select(func.count(Delivery.contact_id.distinct())).where(
        *of_campaign(tally.campaign_id, tally.step), has_reached())) or 0


def is_made() -> ColumnElement[bool]:
    """`TallyLine.is_made` for the database."""
    is_said = and_(Delivery.reason.is_not(None), Delivery.reason.not_in(NEVER_MADE))
    return and_(Delivery.state.in_(SENT), or_(Delivery.channel.not_in(list(AWAITED)), is_said))


def has_reached() -> ColumnElement[bool]:
    """`TallyLine.has_reached` for the database."""
    return and_(is_made(), Delivery.channel != Channel.WEBHOOK.value,
                func.coalesce(Delivery.reason, "").not_in(NOBODY_THERE))
