"""Whether an account is a key account, what people said of it, and the reviews that ask again."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.accounts.models import Account
from core.db import Base, Id


class Qualification(Base):
    """An account by the gates, kinds and questions as last computed: yes, no, or ask. The numbers beside them are the
    evidence that the data gave; `value_place` is 1 for the largest of all, else empty."""

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint("state IN ('key','open','not_key')", name="state"),
        CheckConstraint("chase IN ('go','ask','stop')", name="chase"),
        Index("ix_qualification_state", "state", "account_id"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    potential: Mapped[str] = mapped_column(String(3))
    complexity: Mapped[str] = mapped_column(String(3))
    partnership: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(7))
    gates_passed: Mapped[int]
    kind: Mapped[str | None] = mapped_column(String(20))
    kind_proposed: Mapped[str | None] = mapped_column(String(20))
    need: Mapped[str] = mapped_column(String(3))
    solvency: Mapped[str] = mapped_column(String(3))
    authority: Mapped[str] = mapped_column(String(3))
    chase: Mapped[str] = mapped_column(String(4))
    orders: Mapped[int]
    abc: Mapped[str | None] = mapped_column(String(1))
    share: Mapped[float | None] = mapped_column(Float)
    value_place: Mapped[int | None]
    people: Mapped[int]
    roles: Mapped[int]
    deciders: Mapped[int]
    sites: Mapped[int]
    computed_at: Mapped[datetime]

    account: Mapped[Account] = relationship()


class QualificationAnswer(Base):
    """What a person said to a gate, a question or the kind; it stands above what the data say. `evidence` is what it
    rests on."""

    __tablename__ = "qualification_answer"
    __table_args__ = (UniqueConstraint("account_id", "question"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(String(20))
    answer: Mapped[str] = mapped_column(String(20))
    evidence: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[str] = mapped_column(String(200), default="")
    answered_at: Mapped[datetime]


class AccountReview(Base):
    """Why is it a key account? Proposed from the data with reasons (sentences with their numbers), decided by a person;
    decided ones are the history."""

    __tablename__ = "account_review"
    __table_args__ = (
        Index("uq_account_review_open", "account_id", unique=True, sqlite_where=text("decided_at IS NULL"),
              postgresql_where=text("decided_at IS NULL")),
        Index("ix_account_review_account", "account_id", "id"),
        CheckConstraint("proposal IN ('keep','downgrade','drop')", name="proposal"),
        CheckConstraint("decision IN ('keep','downgrade','drop')", name="decision"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    as_of: Mapped[date]
    proposal: Mapped[str] = mapped_column(String(10))
    reasons: Mapped[list[Any]]
    value_12m: Mapped[float] = mapped_column(Float)
    proposed_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(String(10))
    why: Mapped[str] = mapped_column(Text, default="")
    tier_before: Mapped[str | None] = mapped_column(String(20))
    tier_after: Mapped[str | None] = mapped_column(String(20))
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime | None]
    next_review_on: Mapped[date | None]

    account: Mapped[Account] = relationship()
