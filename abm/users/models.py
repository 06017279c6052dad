"""Users, their sessions, second factors, one-time tokens and sign-in throttling."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class User(Base):
    """Somebody who may sign in. `email` is stored lower-case."""

    __tablename__ = "app_user"
    __table_args__ = (CheckConstraint("role IN ('admin','marketer','sales','viewer','partner')", name="role"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(60), default="")
    signature: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(300), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    is_sample: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class UserSession(Base):
    """A signed-in browser; only a digest of its token is kept."""

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ip: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")


class OneTimeToken(Base):
    """A link to set a password: first set-up, invitation or reset. Single use, hashed."""

    __tablename__ = "one_time_token"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SecondFactor(Base):
    """The secret that a user's authenticator app shares with us, sealed. It counts once a first code confirmed it;
    `last_step` is the step of the last code that was used, so that none is used twice."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    secret_sealed: Mapped[str] = mapped_column(String(500))
    last_step: Mapped[int] = mapped_column(Id, default=0)
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code for the day the telephone is gone: works once, only its digest is kept."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Failures per account and address; the wait grows, nobody is ever locked out for good."""

    __tablename__ = "sign_in_throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime]
