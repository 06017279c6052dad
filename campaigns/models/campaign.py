"""A campaign, its frozen versions, approvals with frozen members, and its runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.states import CampaignState, RunKind, RunState
from core.db import Base, Id


class Campaign(Base):
    """What a marketer made. `definition` is the working copy in the form of a campaign file, content inlined."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("state IN ('draft','approved','running','paused','finished','cancelled')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(String(60), default="marketing")
    state: Mapped[str] = mapped_column(String(20), default=CampaignState.DRAFT)
    definition: Mapped[dict[str, Any]]
    definition_hash: Mapped[str] = mapped_column(String(64))
    version_id: Mapped[int | None] = mapped_column(Id)
    editor_id: Mapped[int | None] = mapped_column(Id)
    editor_name: Mapped[str] = mapped_column(String(200), default="")
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CampaignVersion(Base):
    """A definition as it was approved; running people keep theirs."""

    __tablename__ = "campaign_version"
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    definition_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class Approval(Base):
    """Somebody other than the last editor agreed to this version for these members.

    `audience_hash`: the members' fingerprint; `needs_second`: there are so many that a second person has to agree."""

    __tablename__ = "approval"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id", ondelete="CASCADE"))
    approved_by_id: Mapped[int | None] = mapped_column(Id)
    approved_by: Mapped[str] = mapped_column(String(200))
    approved_at: Mapped[datetime]
    members: Mapped[int] = mapped_column(default=0)
    accounts: Mapped[int] = mapped_column(default=0)
    audience_hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    needs_second: Mapped[bool] = mapped_column(default=False, server_default=false())
    second_by_id: Mapped[int | None] = mapped_column(Id)
    second_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
    second_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @property
    def waits_for_second(self) -> bool:
        return self.needs_second and self.second_at is None

    @property
    def agreed_by(self) -> str:
        """The name, or both names, of those who agreed."""
        return f"{self.approved_by} and {self.second_by}" if self.second_by else self.approved_by

    @property
    def whom(self) -> str:
        """`1 person at 1 account`, `1,200 people at 310 accounts`."""
        return (f"{self.members:,} {'person' if self.members == 1 else 'people'} at "
                f"{self.accounts:,} {'account' if self.accounts == 1 else 'accounts'}")


class ApprovedMember(Base):
    """A person frozen at approval; the launch writes only to these, if they still match."""

    __tablename__ = "approved_member"

    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id)


class Run(Base):
    """One launch (or re-entry wave, or move) of an approved version. `enrolled_up_to` is the planning checkpoint.

    `watched_from`: bounces and complaints are counted from here on, see `campaigns.sending.error_rates`.
    `newcomers_due_at`, `successors_due_at`: until then nobody looks for newcomers, or for who takes a leaver's place,
    since the last look took long."""

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        CheckConstraint("state IN ('planning','active','paused','finished','cancelled')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id"))
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10), default=RunKind.LAUNCH, server_default="launch")
    state: Mapped[str] = mapped_column(String(20), default=RunState.PLANNING)
    state_before_pause: Mapped[str | None] = mapped_column(String(20))
    purpose: Mapped[str] = mapped_column(String(60))
    priority: Mapped[int] = mapped_column(default=5)
    is_cap_exempt: Mapped[bool] = mapped_column(default=False)
    holdout_percent: Mapped[int] = mapped_column(default=0)
    enrolled_up_to: Mapped[int] = mapped_column(Id, default=0)
    pause_reason: Mapped[str | None] = mapped_column(String(300))
    watched_from: Mapped[datetime | None]
    newcomers_due_at: Mapped[datetime | None]
    successors_due_at: Mapped[datetime | None]
    launched_by: Mapped[str] = mapped_column(String(200), default="")
    launched_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
