"""Letters that wait to be printed, and the batches they were printed in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class LetterBatch(Base):
    """Letters that were printed as one file; printing it again gives the same pages."""

    __tablename__ = "letter_batch"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    posted_by: Mapped[str] = mapped_column(String(200), default="")


class Letter(Base):
    """One letter as it was made at the hand-over. `address` and `sender` are the lines of those blocks; `language` is
    that of its words, empty for the step's own."""

    __tablename__ = "letter"
    __table_args__ = (
        Index("ix_letter_waiting", "id", sqlite_where=text("batch_id IS NULL"),
              postgresql_where=text("batch_id IS NULL")),
        Index("ix_letter_batch", "batch_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(Id, unique=True)
    account_id: Mapped[int] = mapped_column(Id, index=True)
    contact_id: Mapped[int] = mapped_column(Id)
    campaign_title: Mapped[str] = mapped_column(String(200))
    step: Mapped[str] = mapped_column(String(60))
    address: Mapped[list[Any]]
    sender: Mapped[list[Any]]
    subject: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(20), default="", server_default="")
    made_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("letter_batch.id"))
    posted_at: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]
