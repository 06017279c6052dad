"""One number that grows whenever somebody must not be written to any more; sending processes look at it all the time.

A process that is handing over a slice reads it about twice a second (`current`), and gives back what it has not begun
when it has grown: a suppression, a pause or an erasure is obeyed within two seconds, also in the middle of a batch.
"""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from campaigns.models.consent import StopEpoch
from core.db import is_postgres


def bump(session: Session) -> None:
    """Make every sending process ask the gate again. Takes effect with the caller's commit."""
    grown = session.connection().execute(update(StopEpoch).where(StopEpoch.id == 1).values(epoch=StopEpoch.epoch + 1))
    if grown.rowcount:
        return
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    first = insert(StopEpoch).values(id=1, epoch=1)
    session.execute(first.on_conflict_do_update(index_elements=["id"], set_={"epoch": StopEpoch.epoch + 1}))


def current(session: Session) -> int:
    """The number as of the last commit; 0 before the first stop."""
    return session.connection().execute(_EPOCH).scalar() or 0


_EPOCH = select(StopEpoch.epoch).where(StopEpoch.id == 1)
