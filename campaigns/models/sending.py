"""Who may be written from: sending identities, the keys they sign with, and how well their relays answer."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class SendingIdentity(Base):
    """A sender address with its own way out and its limits. `kind` operator: through ABM_MAIL_URL.

    `findings`: what the domain's records were found to lack at `checked_at`, as (what, level, text, fix).
    `secret_sealed` is the relay's password or the provider's key, encrypted (`core.secrets`). Limits: 0 means none.
    """

    __tablename__ = "sending_identity"
    __table_args__ = (
        Index("ix_sending_identity_domain", "domain"),
        CheckConstraint("kind IN ('operator','smtp','json','resend')", name="kind"),
        CheckConstraint("tls IN ('starttls','implicit','none')", name="tls"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(320), unique=True)
    domain: Mapped[str] = mapped_column(String(255))
    covers_domain: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str] = mapped_column(String(20), default="operator")
    host: Mapped[str] = mapped_column(String(255), default="")
    port: Mapped[int] = mapped_column(default=0)
    tls: Mapped[str] = mapped_column(String(20), default="starttls")
    connections: Mapped[int] = mapped_column(default=4)
    user_name: Mapped[str] = mapped_column(String(255), default="")
    secret_sealed: Mapped[str] = mapped_column(Text, default="")
    base_url: Mapped[str] = mapped_column(String(500), default="")
    per_second: Mapped[int] = mapped_column(default=0)
    per_day: Mapped[int] = mapped_column(default=0)
    per_domain_day: Mapped[int] = mapped_column(default=0)
    warm_up_from: Mapped[date | None]
    warm_up_first: Mapped[int] = mapped_column(default=50)
    warm_up_growth: Mapped[int] = mapped_column(default=50)
    checked_at: Mapped[datetime | None]
    findings: Mapped[list[Any] | None]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str] = mapped_column(String(200), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RelayHealth(Base):
    """How the connections of one way out fare; identity 0 is the operator's own relay (ABM_MAIL_URL)."""

    __tablename__ = "relay_health"

    identity_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    failures_in_row: Mapped[int] = mapped_column(default=0)
    times_paused: Mapped[int] = mapped_column(default=0)
    paused_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    failed_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]


class DkimKey(Base):
    """A key that an identity's messages are signed with once its record is published. The private half is sealed."""

    __tablename__ = "dkim_key"
    __table_args__ = (
        UniqueConstraint("identity_id", "selector"),
        Index("ix_dkim_key_active", "identity_id", sqlite_where=text("state = 'active'"),
              postgresql_where=text("state = 'active'")),
        CheckConstraint("state IN ('waiting','active','retired')", name="state"),
        CheckConstraint("algorithm IN ('rsa','ed25519')", name="algorithm"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("sending_identity.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(String(255))
    selector: Mapped[str] = mapped_column(String(60))
    algorithm: Mapped[str] = mapped_column(String(10))
    private_sealed: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class WebhookKey(Base):
    """How often the signing secret of a host was made anew, and when last. The secret itself follows from the key."""

    __tablename__ = "webhook_key"

    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    turn: Mapped[int]
    rotated_at: Mapped[datetime]
