"""The outbox: deliveries, the batches that claim them, every attempt, touches, caps and conversation locks."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.states import DeliveryState
from core.db import Base, Id

_STATES = ",".join(f"'{state}'" for state in DeliveryState)
_WAITING, _TROUBLE = text("is_waiting"), text("is_in_trouble")


class Delivery(Base):
    """An intent (run, step, contact, generation) and its state. `address_key` is null for a mailbox's second.

    No index names a column that changes from the claim to the hand-over's outcome, and pages keep half of their room:
    so PostgreSQL writes those changes beside the row without touching any index (heap-only tuples).
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("contact_id", "run_id", "position", "generation"),
        UniqueConstraint("run_id", "position", "address_key", "generation"),
        Index("ix_delivery_due", "run_id", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_delivery_trouble", "run_id", sqlite_where=_TROUBLE, postgresql_where=_TROUBLE),
        Index("ix_delivery_account", "account_id"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(Id)
    enrolment_id: Mapped[int] = mapped_column(Id)
    account_id: Mapped[int] = mapped_column(Id)
    contact_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    step: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(20))
    generation: Mapped[int] = mapped_column(default=1)
    address: Mapped[str | None] = mapped_column(String(320))
    address_key: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20), default=DeliveryState.QUEUED)
    reason: Mapped[str | None] = mapped_column(String(40))
    detail: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime]
    planned_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    batch_id: Mapped[int | None] = mapped_column(Id)
    fence: Mapped[int] = mapped_column(Id, default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    first_tried_at: Mapped[datetime | None]
    is_suspect: Mapped[bool] = mapped_column(default=False, server_default=false())
    lone_losses: Mapped[int] = mapped_column(default=0, server_default="0")
    variant: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str | None] = mapped_column(String(10))
    message_id: Mapped[str | None] = mapped_column(String(120))
    content_hash: Mapped[str | None] = mapped_column(String(64))
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    is_waiting: Mapped[bool | None] = mapped_column(Computed("state IN ('queued','deferred')", persisted=True))
    is_in_trouble: Mapped[bool | None] = mapped_column(
        Computed("state IN ('bounced_hard','complained','failed_permanent')", persisted=True))


class EarlierMessageId(Base):
    """Message-IDs of a form that does not tell the delivery's number, from before they did."""

    __tablename__ = "earlier_message_id"

    message_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    delivery_id: Mapped[int] = mapped_column(Id)


class Batch(Base):
    """Up to 1,000 deliveries of one version and relay, claimed together: one lease and one fence for all.

    The fence is the batch's own id: ids are never used twice, so a later claim always bears a higher number.
    `delivery_ids`: those it was made with, as JSON, so that deliveries need no index by batch; empty in older batches.
    """

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_open", "lease_until", sqlite_where=text("is_open"), postgresql_where=text("is_open")),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id)
    version_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    channel: Mapped[str] = mapped_column(String(20))
    worker: Mapped[str] = mapped_column(String(120))
    journal: Mapped[str] = mapped_column(String(200), default="")
    boot_id: Mapped[str] = mapped_column(String(60), default="")
    fence: Mapped[int] = mapped_column(Id)
    lease_until: Mapped[float]
    size: Mapped[int] = mapped_column(default=0)
    delivery_ids: Mapped[str] = mapped_column(Text, default="", server_default="")
    is_open: Mapped[bool] = mapped_column(default=True)
    claimed_at: Mapped[datetime]
    identity_id: Mapped[int | None] = mapped_column(Id)


class Attempt(Base):
    """One try at handing over one delivery; append-only."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_delivery", "delivery_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(Id)
    number: Mapped[int]
    fence: Mapped[int] = mapped_column(Id)
    worker: Mapped[str] = mapped_column(String(120))
    phase: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    code: Mapped[int | None]
    text: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[datetime]


class Touch(Base):
    """Every touch of a person or account, by whatever channel, the hand-logged ones included. `seconds`: how long it
    took, where somebody measured it; the cost is then that of the time."""

    __tablename__ = "touch"
    __table_args__ = (Index("ix_touch_account", "account_id", "at"), Index("ix_touch_contact", "contact_id", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id)
    contact_id: Mapped[int | None] = mapped_column(Id)
    channel: Mapped[str] = mapped_column(String(20))
    points: Mapped[int]
    delivery_id: Mapped[int | None] = mapped_column(Id, unique=True)
    by_user_id: Mapped[int | None] = mapped_column(Id)
    cost_amount: Mapped[int] = mapped_column(Id, default=0)
    seconds: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]


class CapBucket(Base):
    """How much of a limit is used: scope (account, contact, sender, domain), key, window start, used."""

    __tablename__ = "cap_bucket"

    scope: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    window: Mapped[str] = mapped_column(String(20), primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class ConversationLock(Base):
    """The account belongs to one named owner until a day; other sequences wait."""

    __tablename__ = "conversation_lock"

    account_id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(String(40))
    exempt_run_id: Mapped[int | None] = mapped_column(Id)
    until: Mapped[datetime]
    detail: Mapped[dict[str, Any] | None]
