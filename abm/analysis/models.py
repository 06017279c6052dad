"""Analysis runs and one row per account with orders, with the columns of the export."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class AnalysisRun(Base):
    """One analysis as of a day. `totals` is what `analyse --json` answers; `facts` is what pages show beside it
    (quintile lines, Lorenz points, the portfolio's median gap, the verdict on the model)."""

    __tablename__ = "analysis_run"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(String(20), default="running")
    as_of: Mapped[date | None]
    from_on: Mapped[date | None]
    period: Mapped[str] = mapped_column(String(20))
    value_kind: Mapped[str] = mapped_column(String(20))
    step: Mapped[str] = mapped_column(String(60), default="")
    totals: Mapped[dict[str, Any] | None]
    facts: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(String(500))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    started_by: Mapped[str] = mapped_column(String(200), default="")


class AccountResult(Base):
    """One account in one run. Amounts are plain numbers here: the results of arithmetic, not bookings."""

    __tablename__ = "account_result"
    __table_args__ = (Index("ix_account_result_account", "account_id"),
                      Index("ix_account_result_cell", "run_id", "cell"))

    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    orders: Mapped[int]
    value: Mapped[float] = mapped_column(Float)
    share: Mapped[float | None] = mapped_column(Float)
    cumulative_share: Mapped[float | None] = mapped_column(Float)
    abc: Mapped[str | None] = mapped_column(String(1))
    cv: Mapped[float | None] = mapped_column(Float)
    xyz: Mapped[str | None] = mapped_column(String(1))
    is_new: Mapped[bool] = mapped_column(default=False)
    cell: Mapped[str | None] = mapped_column(String(2))
    recency_days: Mapped[int | None]
    frequency: Mapped[int | None]
    monetary: Mapped[float | None] = mapped_column(Float)
    r: Mapped[int | None]
    f: Mapped[int | None]
    m: Mapped[int | None]
    order_days: Mapped[int]
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    median_gap_days: Mapped[float | None] = mapped_column(Float)
    days_since_last: Mapped[int | None]
    overdue_ratio: Mapped[float | None] = mapped_column(Float)
    rhythm: Mapped[str] = mapped_column(String(10))
    p_alive: Mapped[float | None] = mapped_column(Float)
    expected_orders_12m: Mapped[float | None] = mapped_column(Float)
