"""Conversation locks: an account belongs to one named owner until a day, and who is not held up by that.

A reply pauses every other way there. Calls and visits for the one who answered, in the run that was answered, are the
conversation itself: a branch "replied, then call" must not wait two weeks for the end of its own conversation.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from campaigns.models import ConversationLock, Delivery
from campaigns.states import Channel, DeliveryState, Reason
from core import clock

_TALK = (Channel.CALL, Channel.VISIT)


def holds_up(lock: ConversationLock, *, run_id: int | None, contact_id: int | None, channel: str) -> bool:
    """Whether the lock makes this touch wait. `run_id`: the run that asks for it, None for a touch by hand."""
    if run_id is None or lock.exempt_run_id != run_id:
        return True
    answered = (lock.detail or {}).get("answered")
    return answered is not None and not (channel in _TALK and contact_id in answered)


def note_answer(session: Session, lock: ConversationLock, delivery: Delivery) -> None:
    """The conversation began with an answer to this message: those who answered in its run may be talked to, and what
    an earlier answer of somebody else put off for them is asked about again at once."""
    known = (lock.detail or {}).get("answered", []) if lock.exempt_run_id == delivery.run_id else []
    lock.exempt_run_id = delivery.run_id
    lock.detail = {**(lock.detail or {}), "answered": sorted({*known, delivery.contact_id})}
    _ask_again(session, Delivery.account_id == delivery.account_id, Delivery.run_id == delivery.run_id,
               Delivery.contact_id == delivery.contact_id, Delivery.channel.in_(_TALK))


def hold_conversation(session: Session, *, account_id: int, owner_id: int | None, until: datetime,
                      reason: str) -> ConversationLock:
    """Give the account to one owner until the moment; every sequence waits. Replaces a lock that is there."""
    lock = session.get(ConversationLock, account_id)
    if lock is None:
        lock = ConversationLock(account_id=account_id)
        session.add(lock)
    lock.owner_id, lock.until, lock.reason, lock.exempt_run_id = owner_id, until, reason[:40], None
    lock.detail = {}
    session.flush()
    return lock


def release_conversation(session: Session, *, account_id: int) -> bool:
    """Lift the lock; what waited for it is asked about again at once. False when there was none."""
    lock = session.get(ConversationLock, account_id)
    if lock is None:
        return False
    session.delete(lock)
    _ask_again(session, Delivery.account_id == account_id)
    session.flush()
    return True


def _ask_again(session: Session, *which: ColumnElement[bool]) -> None:
    """Make those of these touches due that a lock put off."""
    session.execute(update(Delivery).where(
        *which, Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
        Delivery.reason == Reason.CONVERSATION_LOCKED).values(due_at=clock.now()))
