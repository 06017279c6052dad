"""The books of sending, held against one another and against what left the house. See docs/invariants.md.

`find_faults` may be asked at any moment, in the middle of everything; `find_faults_at_rest` when nothing is under way.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.events import STATE_OF_KIND
from campaigns.models import Attempt, Batch, Delivery, Event, Run
from campaigns.states import BOOK_OF_STATE, OPEN_STATES, DeliveryState, RunState
from core.db import is_postgres, reading

UNDER_A_CLAIM = frozenset({"claimed", "rendered", "handing"})
# What a message may be that was never tried, or whose last try is to be made again.
BEFORE_A_TRY = frozenset({"planned", "queued", "claimed", "rendered", "handing", "suppressed", "expired", "cancelled",
                          "failed_render", "quarantined"})
_AFTER_OUTCOME: Mapping[str, frozenset[str]] = {
    "deferred": BEFORE_A_TRY | {"deferred", "failed_temporary"},
    "refused": frozenset({"failed_permanent"}),
    "unknown": frozenset({"unknown", "unknown_final"}),
    "sent": frozenset({"sent"}),
}
_ORDER = ("sent", "bounced_soft", "delivered", "bounced_hard", "complained")


def derive(outcomes: Sequence[str], kinds: Collection[str]) -> frozenset[str]:
    """The states that a delivery may be in, from its attempts in order and the kinds of its events."""
    told = {STATE_OF_KIND[kind].value for kind in kinds if kind in STATE_OF_KIND}
    last = "sent" if "sent" in outcomes else outcomes[-1] if outcomes else ""
    base = _AFTER_OUTCOME.get(last, BEFORE_A_TRY)
    if not told or last not in ("sent", "unknown"):
        return base
    return frozenset({max(told | {"sent"}, key=_ORDER.index)})


@contextmanager
def one_moment() -> Iterator[Session]:
    """A session that sees everything as of one moment, also while others write."""
    with reading() as session:
        if is_postgres(session):
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def find_faults(session: Session, *, intended: int, accepted: Mapping[str, int]) -> Iterator[str]:
    """I1, I2, I3, I10 and I14; `accepted`: how often the other side took each Message-ID."""
    states = {row[0]: row[1] for row in session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))}
    if sum(states.values()) != intended or set(states) - set(BOOK_OF_STATE):
        yield f"I1: {intended} were intended and the books hold {states}"
    yield from (f"I3: {identity} was accepted {times} times" for identity, times in accepted.items() if times > 1)
    yield from _uncovered(session)
    yield from _finished_too_early(session)
    yield from _underivable(session)


def find_faults_at_rest(session: Session, *, intended: int, accepted: Mapping[str, int]) -> Iterator[str]:
    """The same, and that each row agrees with the other side's own log, when nobody sends."""
    yield from find_faults(session, intended=intended, accepted=accepted)
    handed_over = {"sent", "delivered", "bounced_soft", "bounced_hard", "complained"}
    rows = session.execute(select(Delivery.message_id, Delivery.state, Delivery.channel)).all()
    known = {row.message_id: row.state for row in rows if row.message_id}
    for identity in accepted:
        if known.get(identity) not in handed_over | {"unknown", "unknown_final"}:
            yield f"I3: {identity} was accepted and the books say {known.get(identity)}"


def find_claims_without_acceptance(session: Session, *, accepted: Mapping[str, int]) -> list[str]:
    """Rows that are said to be sent by a try of ours and were never accepted."""
    sent = session.scalars(select(Delivery.message_id).join(Attempt, Attempt.delivery_id == Delivery.id)
                           .where(Attempt.outcome == "sent", Delivery.message_id.is_not(None)))
    return [identity for identity in sent if identity not in accepted]


def _uncovered(session: Session) -> Iterator[str]:
    """I2: each row has its end, a next time, or an open claim that a sweep looks after."""
    open_batches = set(session.scalars(select(Batch.id).where(Batch.is_open)))
    rows = session.execute(select(Delivery.id, Delivery.state, Delivery.batch_id, Delivery.fence, Delivery.due_at,
                                  Delivery.first_tried_at).where(Delivery.state.in_(OPEN_STATES)))
    for row in rows:
        if row.state in UNDER_A_CLAIM and (row.batch_id not in open_batches or row.fence != row.batch_id):
            yield f"I2: delivery {row.id} is {row.state} under claim {row.batch_id}, which nobody looks after"
        if row.state == DeliveryState.UNKNOWN and row.first_tried_at is None:
            yield f"I2: delivery {row.id} is unknown since nobody knows when"


def _finished_too_early(session: Session) -> Iterator[str]:
    found = session.scalars(select(Delivery.id).join(Run, Run.id == Delivery.run_id).where(
        Run.state == RunState.FINISHED, Delivery.state.in_(OPEN_STATES)))
    yield from (f"I10: delivery {one} is open in a finished run" for one in found)


def _underivable(session: Session) -> Iterator[str]:
    outcomes, kinds = defaultdict(list), defaultdict(set)
    for delivery_id, outcome in session.execute(select(Attempt.delivery_id, Attempt.outcome).order_by(Attempt.id)):
        outcomes[delivery_id].append(outcome)
    for delivery_id, kind in session.execute(select(Event.delivery_id, Event.kind)):
        kinds[delivery_id].add(kind)
    for row in session.execute(select(Delivery.id, Delivery.state, Delivery.attempts)):
        tried, told = outcomes[row.id], kinds[row.id]
        if row.state == "handing" and row.attempts == len(tried) + 1:
            continue  # under way, whatever earlier tries and early events say
        if row.state not in derive(tried, told) or row.attempts != len(counted_tries(tried)):
            yield f"I14: delivery {row.id} is {row.state} ({row.attempts} tries); its history: {tried}, {sorted(told)}"


def counted_tries(outcomes: Sequence[str]) -> list[str]:
    """Tries that count: the late proof that an unknown message was accepted is no further one."""
    tries: list[str] = []
    for outcome in outcomes:
        if tries and tries[-1] == "unknown" and outcome == "sent":
            tries.pop()
        tries.append(outcome)
    return tries
