"""Cases of accounts that fell silent."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.accounts.models import Account
from abm.users.models import User
from core.db import Base, Id


class Case(Base):
    """A lapsed account being looked after: detected from its own rhythm, with cause, owner and offer. `seasonal_years`:
    in how many earlier years it paused at the same time of the year, which is a doubt about the lapse."""

    __tablename__ = "winback_case"
    __table_args__ = (
        Index("uq_winback_case_open", "account_id", unique=True, sqlite_where=text("closed_at IS NULL"),
              postgresql_where=text("closed_at IS NULL")),
        CheckConstraint("state IN ('open','offered','won_back','let_go')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="open")
    as_of: Mapped[date]
    last_order_on: Mapped[date]
    median_gap_days: Mapped[float] = mapped_column(Float)
    overdue_ratio: Mapped[float] = mapped_column(Float)
    yearly_value: Mapped[float] = mapped_column(Float, default=0.0)
    seasonal_years: Mapped[int] = mapped_column(default=0, server_default="0")
    cause: Mapped[str | None] = mapped_column(String(40))
    cause_note: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id", ondelete="SET NULL"))
    won_order_id: Mapped[int | None] = mapped_column(ForeignKey("customer_order.id", ondelete="SET NULL"))
    detected_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()
    owner: Mapped[User | None] = relationship()


class LossMonth(Base):
    """How many accounts were lapsed at a month's end. `order_days`: rows of the rollup that it was counted from;
    `lines`: the thresholds of rhythm that it was counted by."""

    __tablename__ = "loss_month"

    ended_on: Mapped[date] = mapped_column(primary_key=True)
    lapsed: Mapped[int]
    yearly_value: Mapped[float] = mapped_column(Float)
    order_days: Mapped[int]
    lines: Mapped[str] = mapped_column(String(60), default="", server_default="")
