"""What people write down about an account, and the tenders and competitors met there."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Dossier(Base):
    """The texts of an account's dossier, where the relationship stands and what comes next."""

    __tablename__ = "dossier"
    __table_args__ = (
        CheckConstraint(
            "stage IS NULL OR stage IN ('unknown_to_us','contact','offer','first_order','regular','partner','at_risk')",
            name="stage"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    description: Mapped[str | None] = mapped_column(Text)
    history: Mapped[str | None] = mapped_column(Text)
    management: Mapped[str | None] = mapped_column(Text)
    environment: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(String(20))
    standing: Mapped[str | None] = mapped_column(Text)
    next_step: Mapped[str | None] = mapped_column(String(300))
    next_on: Mapped[date | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200), default="")


class DossierLink(Base):
    """A document or page about the account, kept elsewhere."""

    __tablename__ = "dossier_link"
    __table_args__ = (Index("ix_dossier_link_account", "account_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(1000))
    added_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]


class Tender(Base):
    """A tender that the account held: our part in it, its result and the reason."""

    __tablename__ = "tender"
    __table_args__ = (
        CheckConstraint("result IN ('open','won','lost','withdrawn')", name="result"),
        Index("ix_tender_account", "account_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(300))
    opened_on: Mapped[date | None]
    decided_on: Mapped[date | None]
    amount: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    result: Mapped[str] = mapped_column(String(20), default="open")
    reason: Mapped[str | None] = mapped_column(String(30))
    reason_text: Mapped[str | None] = mapped_column(String(500))
    winner: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Competitor(Base):
    """Somebody else who courts the account: with what, and how strong (1 to 5)."""

    __tablename__ = "competitor"
    __table_args__ = (
        CheckConstraint("strength BETWEEN 1 AND 5", name="strength"),
        Index("ix_competitor_account", "account_id"),
        Index("ix_competitor_name", "name"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    offering: Mapped[str | None] = mapped_column(String(300))
    strength: Mapped[int]
    note: Mapped[str | None] = mapped_column(String(1000))
    seen_on: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SourceCost(Base):
    """What was paid for a source of accounts: an advertisement, a stand at a fair, a list of addresses."""

    __tablename__ = "source_cost"
    __table_args__ = (Index("ix_source_cost_source", "source", "spent_on"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Decimal]
    spent_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]


class SourceFigures(Base):
    """What each source brought in, as counted at a moment: `name` is accounts or people, `content` rows by column."""

    __tablename__ = "source_figures"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    content: Mapped[list[Any]]
    made_at: Mapped[datetime]
