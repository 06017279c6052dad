"""Proposed duplicates, and merges with what is needed to undo them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class DuplicatePair(Base):
    """Two accounts, or two people of one account, that may be the same. `dismissed` is kept for ever."""

    __tablename__ = "duplicate_pair"
    __table_args__ = (
        UniqueConstraint("subject", "first_id", "second_id"),
        Index("ix_duplicate_pair_open", "subject", "state", "score"),
        Index("ix_duplicate_pair_second", "subject", "second_id"),
        CheckConstraint("subject IN ('account','contact')", name="subject"),
        CheckConstraint("state IN ('open','dismissed','merged')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(10))
    first_id: Mapped[int] = mapped_column(Id)
    second_id: Mapped[int] = mapped_column(Id)
    score: Mapped[int]
    reasons: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(10), default="open")
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime | None]


class Merge(Base):
    """One account (or person) taken into another. `counts`: rows moved by table; `contact_id`: whom to erase with."""

    __tablename__ = "merge"
    __table_args__ = (
        Index("ix_merge_kept", "subject", "kept_id"),
        Index("ix_merge_dropped", "subject", "dropped_id"),
        CheckConstraint("subject IN ('account','contact')", name="subject"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(10))
    kept_id: Mapped[int] = mapped_column(Id)
    dropped_id: Mapped[int] = mapped_column(Id)
    kept_name: Mapped[str] = mapped_column(String(420))
    dropped_name: Mapped[str] = mapped_column(String(420))
    contact_id: Mapped[int | None] = mapped_column(Id)
    counts: Mapped[dict[str, Any] | None]
    merged_by: Mapped[str] = mapped_column(String(200), default="")
    merged_at: Mapped[datetime]
    undone_by: Mapped[str] = mapped_column(String(200), default="")
    undone_at: Mapped[datetime | None]


class MergeStep(Base):
    """One change of a merge: a row moved (its number or key), removed or changed (as it was before), or added."""

    __tablename__ = "merge_step"
    __table_args__ = (
        Index("ix_merge_step_merge", "merge_id", "table_name", "row_id"),
        CheckConstraint("kind IN ('moved','removed','changed','added')", name="kind"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    merge_id: Mapped[int] = mapped_column(ForeignKey("merge.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    table_name: Mapped[str] = mapped_column(String(60))
    column_name: Mapped[str] = mapped_column(String(60), default="")
    row_id: Mapped[int | None] = mapped_column(Id)
    row_key: Mapped[dict[str, Any] | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    contact_id: Mapped[int | None] = mapped_column(Id)
