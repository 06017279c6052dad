"""A restored copy sends nothing until a person says that its original no longer does."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from campaigns import restoring
from campaigns.restoring import Held


class Due(StrEnum):
    """What becomes of messages that were due before the restore and that the original may have sent."""

    BY_AGE = "by_age"
    HOLD = "hold"
    SEND = "send"


def count_doubtful(session: Session, due: Due = Due.BY_AGE) -> int:
    """How many messages `release` would hold."""
    moment = _moment(session, due)
    return restoring.count_due_before(session, moment) if moment else 0


def release(session: Session, *, due: Due = Due.BY_AGE) -> Held | None:
    """Let a restored copy send; None when it was not held back. What is held counts as unknown and is not sent."""
    if not get_company(session).restored_at:
        return None
    moment = _moment(session, due)
    held = restoring.hold_due(session, moment) if moment else Held(0)
    set_company_value(session, name="restored_at", value="")
    record(session, action="installation.release", subject="installation", after={
        "due": due.value, "held": held.messages, "paused": list(held.paused)})
    return held


def _moment(session: Session, due: Due) -> datetime | None:
    company = get_company(session)
    if due is Due.SEND or not company.restored_at:
        return None
    restored_at = datetime.fromisoformat(company.restored_at)
    made_at = datetime.fromisoformat(company.restored_from) if company.restored_from else None
    return restored_at if due is Due.HOLD else restoring.held_before(made_at=made_at, restored_at=restored_at)
