"""One owner of time: a slot of a periodic job belongs to whoever inserts its row first."""

from datetime import datetime

from sqlalchemy import String, delete
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.db import Base, is_postgres


class Tick(Base):
    """One row per slot of a periodic job that has been taken."""

    __tablename__ = "tick"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]


def claim_tick(session: Session, *, name: str, slot: int) -> bool:
    """True for exactly one caller per name and slot, whatever the number of schedulers."""
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    taken = insert(Tick).values(name=name, slot=slot, taken_at=clock.now()).on_conflict_do_nothing()
    return session.execute(taken.returning(Tick.slot)).first() is not None


def forget_ticks(session: Session, *, before: datetime) -> None:
    session.execute(delete(Tick).where(Tick.taken_at < before))
