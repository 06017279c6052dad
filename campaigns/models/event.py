"""What came back: bounces, opens, clicks, replies. Stored once by their own id, applied in any order."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Event(Base):
    """One thing that happened to a delivery. `event_key` makes a repeat harmless; `is_machine` is a classification."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_delivery", "delivery_id", "kind"),
        Index("ix_event_contact", "contact_id", "at"),
        Index("ix_event_account", "account_id", "at"),
        Index("ix_event_at", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(120), unique=True)
    delivery_id: Mapped[int | None] = mapped_column(Id)
    account_id: Mapped[int | None] = mapped_column(Id)
    contact_id: Mapped[int | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    is_machine: Mapped[bool] = mapped_column(default=False)
    link_id: Mapped[int | None] = mapped_column(Id)
    code: Mapped[str | None] = mapped_column(String(20))
    text: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class Link(Base):
    """A link of a campaign version's content, so that a click token holds a number and never an address."""

    __tablename__ = "link"
    __table_args__ = (UniqueConstraint("version_id", "url_hash"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id", ondelete="CASCADE"))
    url_hash: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(Text)
