"""Who takes part in a run, how far each person is, and who is left alone on purpose."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.states import EnrolmentOrigin, EnrolmentState
from core.db import Base, Id


class Enrolment(Base):
    """A person in a run. `next_position` is the step to plan when `next_due_at` comes; null: a step is under way.

    `origin`: how they came in; `replaces_id`: the enrolment of the one whose place they took."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("run_id", "contact_id"),
        Index("ix_enrolment_due", "run_id", "state", "next_due_at"),
        Index("ix_enrolment_contact", "contact_id"),
        Index("ix_enrolment_account", "account_id", "state"),
        Index("ix_enrolment_replaces", "replaces_id", sqlite_where=text("replaces_id IS NOT NULL"),
              postgresql_where=text("replaces_id IS NOT NULL")),
        CheckConstraint("state IN ('active','finished','stopped','cancelled')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(Id)
    contact_id: Mapped[int] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(20), default=EnrolmentState.ACTIVE)
    next_position: Mapped[int] = mapped_column(default=0)
    next_due_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))
    origin: Mapped[str] = mapped_column(String(20), default=EnrolmentOrigin.LAUNCH, server_default="launch")
    wave: Mapped[int] = mapped_column(default=0, server_default="0")
    replaces_id: Mapped[int | None] = mapped_column(Id)


class StepPassage(Base):
    """A step that somebody passed without a delivery: a wait, a branch with the way taken, a step for other roles."""

    __tablename__ = "step_passage"

    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(String(60))
    went_to: Mapped[str] = mapped_column(String(60))
    because: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class HoldoutAccount(Base):
    """An account drawn once to be left alone by one campaign, and kept so over launches and re-imports."""

    __tablename__ = "holdout_account"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, primary_key=True)
    is_held_out: Mapped[bool]
    drawn_at: Mapped[datetime]


class HoldoutGhost(Base):
    """What a held-out person would have been sent, at the time of the send."""

    __tablename__ = "holdout_ghost"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(Id, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(Id)
    would_have_sent_at: Mapped[datetime]
