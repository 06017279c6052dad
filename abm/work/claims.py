"""Who has which call open. A claim is soft: it is renewed while the page is open, and runs out by itself."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from abm.users.models import User
from abm.work.call_queue import is_free, list_due_calls
from abm.work.models import Task
from core import clock

CLAIM = timedelta(minutes=5)
RENEW_SECONDS = 60
_AT_ONCE = 20


def claim_call(session: Session, *, task_id: int, user_id: int) -> bool:
    """Take the call, or renew the claim; False when it is closed or somebody else has it open. Of two who ask at the
    same moment one gets it: the condition stands in the UPDATE itself."""
    now = clock.now()
    taken = session.connection().execute(
        update(Task).where(Task.id == task_id, Task.kind == "call", Task.state == "open", is_free(user_id, now))
        .values(claimed_by_id=user_id, claimed_until=now + CLAIM))
    _forget_stale(session, task_id)
    return taken.rowcount == 1


def claim_next(session: Session, *, user_id: int, but: int | None = None) -> Task | None:
    """The first call of this person's desk that can be made now and nobody else has open, taken; None when there is
    none. `but` is skipped and given back."""
    if but is not None:
        release_call(session, task_id=but, user_id=user_id)
    while True:
        found = list_due_calls(session, user_id=user_id, limit=_AT_ONCE, free_only=True)
        candidates = [call.task for call in found if call.opens_at is None and call.task.id != but]
        for task in candidates:
            if claim_call(session, task_id=task.id, user_id=user_id):
                return task
        if not candidates:
            return None


def release_call(session: Session, *, task_id: int, user_id: int) -> None:
    """Give the call back; nothing happens when somebody else has it."""
    session.connection().execute(
        update(Task).where(Task.id == task_id, Task.claimed_by_id == user_id)
        .values(claimed_by_id=None, claimed_until=None))
    _forget_stale(session, task_id)


def find_holder(session: Session, task: Task, *, but: int | None) -> User | None:
    """Who else has this call open now."""
    if task.claimed_by_id in (None, but) or task.claimed_until is None or task.claimed_until <= clock.now():
        return None
    return session.get(User, task.claimed_by_id)


def _forget_stale(session: Session, task_id: int) -> None:
    loaded = session.identity_map.get(session.identity_key(Task, task_id))
    if loaded is not None:
        session.expire(loaded, ["claimed_by_id", "claimed_until"])


def list_holders(session: Session, tasks: Sequence[Task], *, but: int | None) -> dict[int, str]:
    """By task id the name of who else has it open now."""
    now = clock.now()
    held = {task.id: task.claimed_by_id for task in tasks
            if task.claimed_by_id not in (None, but) and task.claimed_until and task.claimed_until > now}
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_(set(held.values())))).all())
    return {task_id: names[user_id] for task_id, user_id in held.items() if user_id in names}
