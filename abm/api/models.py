"""Tokens of the API, and the events that came by it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class ApiToken(Base):
    """What a program shows instead of a password. Only a digest is kept, and the first signs to tell tokens apart. It
    is worth no more than its user: a disabled user's tokens open nothing."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiEvent(Base):
    """The caller's own id of an event that was taken, so that a repeat adds nothing."""

    __tablename__ = "api_event"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_event_id: Mapped[int] = mapped_column(ForeignKey("account_event.id", ondelete="CASCADE"), index=True)
