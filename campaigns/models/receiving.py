"""Where answers and reports come in: mailboxes that are looked into, and addresses that providers call."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Mailbox(Base):
    """A Maildir folder of this machine, or a folder of an IMAP mailbox. `secret_sealed`: its password, encrypted.

    IMAP: everything up to `last_uid` was read, as long as the server's `uid_validity` stays the same.
    """

    __tablename__ = "mailbox"
    __table_args__ = (
        CheckConstraint("kind IN ('maildir','imap')", name="kind"),
        CheckConstraint("tls IN ('starttls','implicit','none')", name="tls"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    folder: Mapped[str] = mapped_column(String(500))
    host: Mapped[str] = mapped_column(String(255), default="")
    port: Mapped[int] = mapped_column(default=0)
    tls: Mapped[str] = mapped_column(String(20), default="implicit")
    user_name: Mapped[str] = mapped_column(String(255), default="")
    secret_sealed: Mapped[str] = mapped_column(Text, default="")
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("sending_identity.id", ondelete="SET NULL"))
    uid_validity: Mapped[int] = mapped_column(Id, default=0)
    last_uid: Mapped[int] = mapped_column(Id, default=0)
    messages: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(300), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class EventHook(Base):
    """An address that a provider calls with events. `secret_sealed`: what it signs with, encrypted."""

    __tablename__ = "event_hook"
    __table_args__ = (CheckConstraint("form IN ('standard','resend')", name="form"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    form: Mapped[str] = mapped_column(String(20))
    secret_sealed: Mapped[str] = mapped_column(Text)
    events: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
