"""Analysis runs, and one row per account (or site, parent, product, region) with the columns of the export."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class AnalysisRun(Base):
    """One analysis as of a day. `totals` is what `analyse --json` answers; `facts` is what pages show beside it
    (quintile lines, Lorenz points, concentration by period, the verdicts on the models). `thresholds` and `fingerprint`
    (of the orders that were used) say what it was made from: the same of both give the same rows."""

    __tablename__ = "analysis_run"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(String(20), default="running")
    factor: Mapped[str] = mapped_column(String(10), default="account", server_default="account")
    as_of: Mapped[date | None]
    from_on: Mapped[date | None]
    period: Mapped[str] = mapped_column(String(20))
    value_kind: Mapped[str] = mapped_column(String(20))
    step: Mapped[str] = mapped_column(String(60), default="")
    thresholds: Mapped[dict[str, Any] | None]
    fingerprint: Mapped[str | None] = mapped_column(String(40))
    totals: Mapped[dict[str, Any] | None]
    facts: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(String(500))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    started_by: Mapped[str] = mapped_column(String(200), default="")


class ResultColumns:
    """The columns of a result. Amounts are plain numbers here: the results of arithmetic, not bookings."""

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
    key_membership: Mapped[float | None] = mapped_column(Float)
    segment: Mapped[str | None] = mapped_column(String(20))
    seasonal_years: Mapped[int | None]
    recent_gap_days: Mapped[float | None] = mapped_column(Float)
    year_value: Mapped[float | None] = mapped_column(Float)
    year_before_value: Mapped[float | None] = mapped_column(Float)
    relative_share: Mapped[float | None] = mapped_column(Float)
    quadrant: Mapped[str | None] = mapped_column(String(20))
    expected_value_12m: Mapped[float | None] = mapped_column(Float)


class AccountResult(ResultColumns, Base):
    """One account in one run by account. Runs are kept for ever and rows are written with theirs, so no foreign key to
    the run is looked up for each of 100,000 rows. The results of one account are found run by run: an index by account
    would double the time of storing."""

    __tablename__ = "account_result"
    __table_args__ = (Index("ix_account_result_value", "run_id", "value"),
                      Index("ix_account_result_class", "run_id", "abc", "value"),
                      Index("ix_account_result_rhythm", "run_id", "rhythm", "last_on"))

    run_id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)


class FactorResult(ResultColumns, Base):
    """One site, parent, product or region in a run by that factor. `thing_id` is the account's or product's id (a
    number of its own for a region), `key` the source system's id, `label` its name on that day."""

    __tablename__ = "factor_result"
    __table_args__ = (Index("ix_factor_result_value", "run_id", "value"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id", ondelete="CASCADE"), primary_key=True)
    thing_id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    label: Mapped[str] = mapped_column(String(300), default="")


class RunComparison(Base):
    """Who moved from one run to another, counted when the later one was made. `moves`: per kind of class (from, to, how
    many); `counts`: how many moved per kind, and by any under ""; `few`: their ids where they are not many."""

    __tablename__ = "run_comparison"

    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id", ondelete="CASCADE"), primary_key=True)
    before_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id", ondelete="CASCADE"), primary_key=True)
    moves: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    few: Mapped[dict[str, Any]]
