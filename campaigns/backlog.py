"""How far behind sending is: what health checks and metrics ask."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from campaigns.models import Delivery, Run
from campaigns.states import RunState


def oldest_due_seconds(session: Session, *, at: datetime) -> float:
    """Seconds since the oldest sendable message came due; 0 when none waits (paused runs do not count)."""
    oldest = session.scalar(
        select(func.min(Delivery.due_at))
        .join(Run, Run.id == Delivery.run_id)
        .where(text("delivery.is_waiting"), Delivery.due_at <= at, Run.state == RunState.ACTIVE)
    )
    return 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds())


def count_by_state(session: Session) -> dict[str, int]:
    """How many deliveries are in each state, over all campaigns."""
    rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {state: count for state, count in rows}
