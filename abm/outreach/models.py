"""What campaigns share: snippets of content; and what was worked out about a launch before it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Snippet(Base):
    """A piece of content by name and language; the empty language is for everybody who has none of their own."""

    __tablename__ = "content_snippet"
    __table_args__ = (UniqueConstraint("name", "language"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(10))
    content: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))


class Forecast(Base):
    """A launch check or a dry run that was too long for a request, bound to the content and people it was made for.

    `asked`: its own words (`2026-03-09/30`), empty for a check. `beat_at`: when its worker was last heard of."""

    __tablename__ = "forecast"
    __table_args__ = (
        Index("ix_forecast_campaign", "campaign_id", "kind", "asked"),
        CheckConstraint("kind IN ('check','dry_run')", name="kind"),
        CheckConstraint("state IN ('waiting','running','done','failed')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    asked: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    audience_hash: Mapped[str] = mapped_column(String(64), default="")
    people_done: Mapped[int] = mapped_column(default=0)
    people: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    asked_by: Mapped[str] = mapped_column(String(200), default="")
    asked_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    made_at: Mapped[datetime | None]


class ForecastLines(Base):
    """A day of a dry run for a part of the accounts, packed by `forecast_lines`."""

    __tablename__ = "forecast_lines"
    __table_args__ = (Index("ix_forecast_lines_day", "forecast_id", "day"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecast.id", ondelete="CASCADE"))
    day: Mapped[date]
    lines: Mapped[bytes] = mapped_column(LargeBinary)
