"""The circuit breaker in the database, shared by all workers: who is paused, until when and why."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from campaigns.inserting import insert_ignoring
from campaigns.models import Delivery, RelayHealth, SendingIdentity
from campaigns.sending.circuit import Circuit, Opening
from campaigns.states import CLAIMABLE_STATES, Reason
from campaigns.verdict import Verdict, defer
from core import clock


def note_openings(session: Session, health_id: int, openings: Sequence[Opening]) -> None:
    """Take in how this process's connections fared, in order. What only works costs one guarded update."""
    now = clock.now()
    if all(opening.is_open for opening in openings):
        session.execute(update(RelayHealth).where(
            RelayHealth.identity_id == health_id, or_(RelayHealth.failures_in_row > 0, RelayHealth.times_paused > 0))
            .values(failures_in_row=0, times_paused=0, paused_until=None, reason="", opened_at=now))
        return
    insert_ignoring(session, RelayHealth, [{"identity_id": health_id}])
    row = session.scalars(select(RelayHealth).where(RelayHealth.identity_id == health_id).with_for_update()).one()
    after = _circuit(row).after(openings, now)
    row.failures_in_row, row.times_paused = after.failures, after.pauses
    row.paused_until, row.reason = after.until, after.reason
    if any(not opening.is_open for opening in openings):
        row.failed_at = now
    if any(opening.is_open for opening in openings):
        row.opened_at = now


def _circuit(row: RelayHealth) -> Circuit:
    return Circuit(row.failures_in_row, row.times_paused, row.paused_until, row.reason)


def find_pause(session: Session, health_id: int, at: datetime) -> Verdict | None:
    """The deferral that holds for everything that would go this way now; None when it is open."""
    row = session.connection().execute(_PAUSE, {"way": health_id, "at": at}).first()
    if row is None or row.paused_until is None:
        return None
    return defer(Reason.SENDER_PAUSED, row.paused_until, (
        f"The relay is left alone until {row.paused_until:%Y-%m-%d %H:%M} UTC after failures ({row.reason}); it "
        "is tried again by itself, or at once with Try now on the sending identity's page"))


_PAUSE = select(RelayHealth.paused_until, RelayHealth.reason).where(
    RelayHealth.identity_id == bindparam("way"), RelayHealth.paused_until > bindparam("at"))


def list_troubled(session: Session) -> list[tuple[RelayHealth, SendingIdentity | None]]:
    """The ways out that are left alone, or were and have not worked since, with their identity (None: the operator's
    relay)."""
    rows = session.execute(
        select(RelayHealth, SendingIdentity).outerjoin(SendingIdentity, SendingIdentity.id == RelayHealth.identity_id)
        .where(or_(RelayHealth.paused_until > clock.now(), RelayHealth.times_paused > 0),
               or_(RelayHealth.identity_id == 0, SendingIdentity.is_active)).order_by(RelayHealth.identity_id))
    return [(row[0], row[1]) for row in rows]


def find_trouble(session: Session, health_id: int) -> RelayHealth | None:
    """The way out's health where nothing leaves by it at the moment."""
    return next((health for health, _identity in list_troubled(session) if health.identity_id == health_id), None)


def try_now(session: Session, health_id: int) -> int:
    """End a pause by hand: what waits for it, or could not be handed over at all, is due again. How many messages."""
    session.execute(update(RelayHealth).where(RelayHealth.identity_id == health_id).values(
        paused_until=None, failures_in_row=0, times_paused=0))
    woken = session.execute(update(Delivery).where(
        Delivery.state.in_(CLAIMABLE_STATES), Delivery.reason.in_((Reason.SENDER_PAUSED, Reason.NO_WAY_OUT))).values(
        due_at=clock.now(), reason=None, detail=None).returning(Delivery.id))
    return len(woken.all())
