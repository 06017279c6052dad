"""A restored copy must not send what its original may have sent: everything in flight is settled, newer stops are kept.

`hold` runs on the copy before anybody uses it; sending then waits for a person (`abm campaigns release`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.inserting import insert_ignoring
from campaigns.models import Batch, ConsentEvent, Delivery, Suppression
from campaigns.states import CLAIMABLE_STATES, DeliveryState
from core import clock

_SUPPRESSION = ("scope", "key", "purpose", "reason", "hint", "source", "created_at")
_CONSENT = ("contact_id", "address_key", "purpose", "kind", "source", "evidence", "at")
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
    in_doubt = session.execute(update(Delivery).where(Delivery.state == DeliveryState.HANDING).values(
        state=DeliveryState.UNKNOWN,
        detail="The backup was made while it was handed over; nobody knows if it was accepted").returning(Delivery.id))
    count = len(in_doubt.all())
    session.execute(update(Delivery).where(Delivery.state.in_((DeliveryState.CLAIMED, DeliveryState.RENDERED))).values(
        state=DeliveryState.QUEUED, batch_id=None))
    session.execute(update(Batch).where(Batch.is_open).values(is_open=False))
    stops.bump(session)
    return count


def count_due_before(session: Session, moment: datetime) -> int:
    """Messages that wait here and that the original may have sent by `moment`."""
    return session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.state.in_(CLAIMABLE_STATES), Delivery.due_at <= moment)) or 0


def doubt_due_before(session: Session, moment: datetime) -> int:
    """Take all messages that the original may have sent by `moment` for unknown, so that none is sent twice."""
    done = session.execute(update(Delivery).where(
        Delivery.state.in_(CLAIMABLE_STATES), Delivery.due_at <= moment).values(
        state=DeliveryState.UNKNOWN, detail="Restored from a backup: the original may have sent it",
        first_tried_at=func.coalesce(Delivery.first_tried_at, clock.now())).returning(Delivery.id)).all()
    return len(done)
