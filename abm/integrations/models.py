"""Sources, and what became of their last pull."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Source(Base):
    """Another system that rows of one kind are pulled from.

    `definition` is what its file says, without the secret; `every_minutes` 0 means only when somebody asks.
    """

    __tablename__ = "source"
    __table_args__ = (CheckConstraint("every_minutes >= 0", name="every"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(20))
    definition: Mapped[dict[str, Any]]
    secret_sealed: Mapped[str] = mapped_column(Text, default="")
    every_minutes: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    pulled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
