"""The ledger, the rules it is made by, and what each account's rows come to."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class EngagementRules(Base):
    """One version of the rules; the newest is in force, the others are kept."""

    __tablename__ = "engagement_rules"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    content: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(300), default="")
    made_by: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]


class EngagementEntry(Base):
    """One event that counts, with the points that the rules of `rules_id` gave it; it fades as it grows old.
    (`source`, `source_id`) names the row it comes from: an event, a task, an order."""

    __tablename__ = "engagement_entry"
    __table_args__ = (UniqueConstraint("source", "source_id"), Index("ix_engagement_entry_account", "account_id", "at"),
                      Index("ix_engagement_entry_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(Id)
    rules_id: Mapped[int] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(10))
    source_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    points: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime]


class AccountEngagement(Base):
    """What the ledger came to at `computed_at`. `decay` names the signs of a relation that fades: contact, response,
    gaps. The `_before` numbers are of the 90 days before the last 90."""

    __tablename__ = "account_engagement"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    points: Mapped[float] = mapped_column(Float, default=0.0)
    people: Mapped[int] = mapped_column(default=0)
    is_qualified: Mapped[bool] = mapped_column(default=False, server_default=false())
    touches: Mapped[int] = mapped_column(default=0)
    touches_before: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    answers_before: Mapped[int] = mapped_column(default=0)
    decay: Mapped[str] = mapped_column(String(40), default="")
    computed_at: Mapped[datetime]


class QualificationChange(Base):
    """An account became qualified or ceased to be, with the whole expression as it was evaluated then."""

    __tablename__ = "qualification_change"
    __table_args__ = (Index("ix_qualification_change_account", "account_id", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    is_qualified: Mapped[bool]
    expression: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Cooling(Base):
    """An account that is not to be qualified again before a day: handed back to nurture, with the reason."""

    __tablename__ = "engagement_cooling"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(300), default="")
