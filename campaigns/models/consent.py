"""Who must not be written to, and the log that proves what somebody agreed to or withdrew."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Suppression(Base):
    """A stop. `key` is a keyed digest of an address or domain, or an id as text; purpose `*` means all mail."""

    __tablename__ = "suppression"
    __table_args__ = (
        Index(
            "uq_suppression_active",
            "scope",
            "key",
            "purpose",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
        CheckConstraint("scope IN ('address','domain','contact','account')", name="scope"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scope: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(60), default="*")
    reason: Mapped[str] = mapped_column(String(60))
    hint: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_reason: Mapped[str | None] = mapped_column(String(200))


class ConsentEvent(Base):
    """Append-only evidence: given, withdrawn, objected, confirmed; with source, moment and wording."""

    __tablename__ = "consent_event"
    __table_args__ = (Index("ix_consent_event_contact", "contact_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(Id)
    address_key: Mapped[str] = mapped_column(String(40))
    purpose: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(200))
    evidence: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class StopEpoch(Base):
    """One row; its number grows with every stop, see `campaigns.stops`."""

    __tablename__ = "stop_epoch"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    epoch: Mapped[int] = mapped_column(default=0)
