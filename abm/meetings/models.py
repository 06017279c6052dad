"""Meetings with a frozen agenda, decisions and minutes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Meeting(Base):
    """One weekly meeting. `agenda` is what the data said when it was frozen; `mailed`: the users who were mailed the
    minutes, nothing where they were not to be mailed."""

    __tablename__ = "meeting"
    __table_args__ = (CheckConstraint("state IN ('planned','open','closed')", name="state"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    held_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10), default="planned")
    agenda: Mapped[dict[str, Any] | None]
    frozen_at: Mapped[datetime | None]
    notes: Mapped[str] = mapped_column(Text, default="")
    minutes: Mapped[str] = mapped_column(Text, default="")
    people: Mapped[list[Any] | None]
    mailed: Mapped[list[Any] | None]
    created_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Decision(Base):
    """What was decided, by whom it is carried, from when, to be looked at again on which day."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"), index=True)
    item: Mapped[str] = mapped_column(String(40), default="")
    kind: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    effective_on: Mapped[date | None]
    review_on: Mapped[date | None]
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime]
