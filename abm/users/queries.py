"""Reading users and sessions."""

import hashlib
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.users.models import OneTimeToken, User, UserSession
from abm.web.permissions import Role
from core import clock
from core.errors import NotFound

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def get_user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user")
    return user


def find_user_by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.name, User.id)))


def list_active_users(session: Session) -> list[User]:
    """Colleagues who can sign in: those whom work can be given to. A partner's people are none of them."""
    return list(session.scalars(select(User).where(User.is_active, User.role != Role.PARTNER)
                                .order_by(User.name, User.id)))


def count_users(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(User)) or 0


def find_session(session: Session, token: str) -> tuple[UserSession, User] | None:
    """The live session of a token with its active user; None when ended, idle or too old."""
    now = clock.now()
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.token_digest == digest(token),
            User.is_active,
            UserSession.last_seen_at > now - IDLE,
            UserSession.created_at > now - ABSOLUTE,
        )
    ).first()
    return (row[0], row[1]) if row else None


def find_one_time_token(session: Session, token: str) -> OneTimeToken | None:
    """A set-up or reset token that may still be used."""
    return session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.digest == digest(token), OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > clock.now()
        )
    )
