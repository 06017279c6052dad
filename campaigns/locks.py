"""Conversation locks set and lifted by people: an account belongs to one named owner until a day."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns.models import ConversationLock, Delivery
from campaigns.states import DeliveryState, Reason
from core import clock


def hold_conversation(session: Session, *, account_id: int, owner_id: int | None, until: datetime,
                      reason: str) -> ConversationLock:
    """Give the account to one owner until the moment; every sequence waits. Replaces a lock that is there."""
    lock = session.get(ConversationLock, account_id)
    if lock is None:
        lock = ConversationLock(account_id=account_id)
        session.add(lock)
    lock.owner_id, lock.until, lock.reason, lock.exempt_run_id = owner_id, until, reason[:40], None
    session.flush()
    return lock


def release_conversation(session: Session, *, account_id: int) -> bool:
    """Lift the lock; what waited for it is asked about again at once. False when there was none."""
    lock = session.get(ConversationLock, account_id)
    if lock is None:
        return False
    session.delete(lock)
    session.execute(update(Delivery).where(
        Delivery.account_id == account_id, Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
        Delivery.reason == Reason.CONVERSATION_LOCKED).values(due_at=clock.now()))
    session.flush()
    return True
