"""A restored copy must not send what its original may have sent: everything in flight is settled, newer stops are kept.

`hold` runs on the copy before anybody uses it; sending then waits for a person (`abm campaigns release`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from campaigns import editing, stops
from campaigns.channels.base import Outcome, Result
from campaigns.inserting import insert_ignoring
from campaigns.models import (
    Attempt,
    Batch,
    Campaign,
    CampaignVersion,
    ConsentEvent,
    Delivery,
    Enrolment,
    Run,
    Suppression,
)
from campaigns.progress import advance, plan_due_steps
from campaigns.recording import record_outcomes
from campaigns.states import CLAIMABLE_STATES, CampaignState, Channel, DeliveryState, EnrolmentState, RunState
from core import clock

_SUPPRESSION = ("scope", "key", "purpose", "reason", "hint", "source", "created_at")
_CONSENT = ("contact_id", "address_key", "purpose", "kind", "source", "evidence", "at")
FRESH = timedelta(hours=1)
PHASE = "restore"
_WAS_ON_ITS_WAY = "the backup was made while it was handed over; nobody knows if it was accepted"
_MAY_BE_SENT = "Restored from a backup: the original may have sent it"
Rows = Sequence[Mapping[str, Any]]


def read_stops(session: Session) -> dict[str, Rows]:
    """All stops that are in force and every withdrawal, to be merged into an older copy."""
    stopped = session.execute(select(*(getattr(Suppression, name) for name in _SUPPRESSION))
                              .where(Suppression.lifted_at.is_(None))).mappings().all()
    withdrawn = session.execute(select(*(getattr(ConsentEvent, name) for name in _CONSENT)).where(
        ConsentEvent.kind.in_(("withdrawn", "objected")))).mappings().all()
    return {"suppression": [dict(row) for row in stopped], "consent_event": [dict(row) for row in withdrawn]}


def merge_stops(session: Session, found: Mapping[str, Rows]) -> int:
    """Add the stops that this copy does not have; how many."""
    before = _count(session, Suppression)
    insert_ignoring(session, Suppression, found["suppression"])
    known = {tuple(row) for row in session.execute(
        select(ConsentEvent.address_key, ConsentEvent.purpose, ConsentEvent.kind, ConsentEvent.at))}
    insert_ignoring(session, ConsentEvent, [row for row in found["consent_event"] if (
        row["address_key"], row["purpose"], row["kind"], row["at"]) not in known])
    return _count(session, Suppression) - before


def _count(session: Session, model: type[Suppression]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def hold(session: Session) -> int:
    """Settle what was in flight: being handed over becomes unknown, claims go back. How many became unknown."""
    handing = session.execute(select(Delivery.id, Delivery.fence).where(Delivery.state == DeliveryState.HANDING)).all()
    count = record_outcomes(session, [
        Outcome(row.id, row.fence, Result.UNKNOWN, PHASE, None, _WAS_ON_ITS_WAY, clock.now()) for row in handing],
        worker=PHASE)
    session.execute(update(Delivery).where(Delivery.state.in_((DeliveryState.CLAIMED, DeliveryState.RENDERED))).values(
        state=DeliveryState.QUEUED, batch_id=None))
    session.execute(update(Batch).where(Batch.is_open).values(is_open=False))
    stops.bump(session)
    return count


@dataclass(frozen=True, slots=True)
class Held:
    """Messages taken for unknown, and the campaigns that wait for somebody to resume them."""

    messages: int
    paused: tuple[str, ...] = ()


def held_before(*, made_at: datetime | None, restored_at: datetime) -> datetime:
    """What was due up to this moment is held unless somebody says otherwise.

    A copy of a backup that is older than FRESH: all that was due by its restore, since the original worked on for an
    unknown time. A fresh one (a move to another machine): only what had been due for longer than FRESH.
    """
    is_fresh = made_at is not None and restored_at - made_at <= FRESH
    return restored_at - FRESH if is_fresh else restored_at


def count_due_before(session: Session, moment: datetime) -> int:
    """Messages that wait here and that the original may have sent by `moment`, those still to be written included."""
    written = session.scalar(select(func.count()).select_from(Delivery).where(*_due(moment))) or 0
    to_write = session.scalar(
        select(func.count()).select_from(Enrolment).join(Run, Run.id == Enrolment.run_id)
        .where(Run.state == RunState.ACTIVE, Enrolment.state == EnrolmentState.ACTIVE,
               Enrolment.next_due_at <= moment)) or 0
    return written + to_write


def hold_due(session: Session, moment: datetime) -> Held:
    """Take all messages that the original may have sent by `moment` for unknown, so that none is sent twice.

    Steps that came due meanwhile are written first, so that they are held as well. Where the original may be further
    still (later steps, people not enrolled yet), the campaign is paused: only a person can know.
    """
    while advance(session, moment) + plan_due_steps(session, moment):
        session.flush()
    held = session.execute(
        select(Run.campaign_id, Run.version_id, func.count(), func.max(Delivery.position))
        .join(Run, Run.id == Delivery.run_id).where(*_due(moment)).group_by(Run.campaign_id, Run.version_id)).all()
    _doubt(session, _due(moment))
    ahead = {campaign_id for campaign_id, version_id, _count, position in held
             if position + 1 < len(session.get_one(CampaignVersion, version_id).definition["steps"])}
    ahead |= set(session.scalars(select(Run.campaign_id).where(Run.state == RunState.PLANNING)))
    return Held(sum(row[2] for row in held), tuple(sorted(_pause(session, ahead))))


def _doubt(session: Session, which: tuple[ColumnElement[bool], ...]) -> None:
    """The original's try is a try that nobody knows the end of, so that history tells the state here as well."""
    now = clock.now()
    doubted = session.execute(update(Delivery).where(*which).values(
        state=DeliveryState.UNKNOWN, detail=_MAY_BE_SENT, attempts=Delivery.attempts + 1,
        first_tried_at=func.coalesce(Delivery.first_tried_at, now)).returning(
        Delivery.id, Delivery.attempts, Delivery.fence)).all()
    insert_ignoring(session, Attempt, [
        {"delivery_id": row.id, "number": row.attempts, "fence": row.fence, "worker": PHASE, "phase": PHASE,
         "outcome": Result.UNKNOWN.value, "code": None, "text": _MAY_BE_SENT, "at": now} for row in doubted])


def _due(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """Messages that leave by themselves. A call or visit becomes a task here, which a person looks at before acting."""
    return (Delivery.state.in_(CLAIMABLE_STATES), Delivery.due_at <= moment,
            Delivery.channel.not_in((Channel.CALL, Channel.VISIT)))


def _pause(session: Session, campaign_ids: Collection[int]) -> Iterator[str]:
    for campaign in session.scalars(select(Campaign).where(
            Campaign.id.in_(campaign_ids), Campaign.state == CampaignState.RUNNING).order_by(Campaign.id)):
        editing.pause(session, campaign=campaign, reason=(
            "restored from a backup: the original may have gone on; settle what is in doubt, then resume"))
        yield campaign.name
