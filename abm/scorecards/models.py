"""Scorecards, their published versions, what people rated, and the score of every account."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Scorecard(Base):
    """`draft` is the definition being worked on; `published_number` the version that scores, None before the first.
    `basis` says of which state of the data the stored scores are."""

    __tablename__ = "scorecard"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(20), default="")
    draft: Mapped[dict[str, Any]]
    published_number: Mapped[int | None]
    is_shipped: Mapped[bool] = mapped_column(default=False)
    basis: Mapped[str] = mapped_column(String(300), default="")
    computed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ScorecardVersion(Base):
    """A published definition; never changed afterwards. `facts` is what the last computing found (counts, means)."""

    __tablename__ = "scorecard_version"
    __table_args__ = (UniqueConstraint("scorecard_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecard.id", ondelete="CASCADE"))
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any] | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    published_by: Mapped[str] = mapped_column(String(200), default="")
    published_at: Mapped[datetime]


class ScorecardRating(Base):
    """What a person said of an account by a criterion: points of an anchored level, with the evidence."""

    __tablename__ = "scorecard_rating"
    __table_args__ = (
        UniqueConstraint("scorecard_id", "criterion", "account_id"),
        CheckConstraint("points >= 0 AND points <= 100", name="points"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecard.id", ondelete="CASCADE"))
    criterion: Mapped[str] = mapped_column(String(100))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    points: Mapped[float] = mapped_column(Float)
    evidence: Mapped[str] = mapped_column(Text, default="")
    rated_by: Mapped[str] = mapped_column(String(200), default="")
    rated_at: Mapped[datetime]


class AccountScore(Base):
    """An account's score by one published version. `place` is its rank, None where too little of it is known."""

    __tablename__ = "account_score"
    __table_args__ = (Index("ix_account_score_place", "version_id", "place"),
                      Index("ix_account_score_account", "account_id"),
                      Index("ix_account_score_score", "version_id", "score"))

    version_id: Mapped[int] = mapped_column(ForeignKey("scorecard_version.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    score: Mapped[float | None] = mapped_column(Float)
    coverage: Mapped[float] = mapped_column(Float)
    membership: Mapped[float | None] = mapped_column(Float)
    place: Mapped[int | None]


class ScorecardSnapshot(Base):
    """The raw and scaled values that a set of criteria had when last computed, as arrays of 8-byte numbers: what a
    preview with other weights and a score's arithmetic are made from."""

    __tablename__ = "scorecard_snapshot"

    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecard.id", ondelete="CASCADE"), primary_key=True)
    criteria_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_ids: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    scaled: Mapped[bytes] = mapped_column(LargeBinary)
    computed_at: Mapped[datetime]


class ScoreMatrix(Base):
    """The matrix as it was counted last. `made_of`: the versions and moments of the scores that it is of; `cells`:
    (attractiveness, relationship, accounts, mean potential); `dots`: (account id, the three scores) of the first."""

    __tablename__ = "score_matrix"

    made_of: Mapped[str] = mapped_column(String(200), primary_key=True)
    cells: Mapped[list[Any]]
    dots: Mapped[list[Any]]
    made_at: Mapped[datetime]


class BackTestRun(Base):
    """A back-test that a worker carries out for a large company. `asked`: what tells it from another one; `found`: the
    figures as `trials.BackTest` has them."""

    __tablename__ = "back_test"
    __table_args__ = (
        UniqueConstraint("scorecard_id", "asked"),
        CheckConstraint("state IN ('waiting','running','done','failed')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecard.id", ondelete="CASCADE"))
    asked: Mapped[str] = mapped_column(String(80))
    definition: Mapped[dict[str, Any]]
    as_of: Mapped[date | None]
    months: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    step: Mapped[str] = mapped_column(String(60), default="")
    found: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(String(500), default="")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
