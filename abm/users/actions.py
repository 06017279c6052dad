"""Creating users, passwords, roles and ending sessions."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.users.models import OneTimeToken, User, UserSession
from abm.users.passwords import complaint, hash_password
from abm.users.queries import digest, find_user_by_email
from abm.web.permissions import Role
from core import clock
from core.errors import InvalidInput, Refused

RESET_MINUTES = 60
_LONGEST_SIGNATURE, _SIGNATURE_LINES = 1_000, 12


def create_user(
    session: Session, *, email: str, name: str, role: str, password: str | None = None, is_sample: bool = False
) -> User:
    """A new user; without a password they set one by a link. Raises InvalidInput naming each wrong field."""
    address = email.strip().lower()
    errors = _errors(session, address=address, name=name, role=role, password=password)
    if errors:
        raise InvalidInput("The user was not created", errors)
    user = User(
        email=address,
        name=name.strip(),
        role=role,
        is_sample=is_sample,
        created_at=clock.now(),
        password_hash=hash_password(password) if password else "",
    )
    session.add(user)
    session.flush()
    record(session, action="user.create", subject="user", subject_id=user.id, after={"role": role})
    return user


def _errors(session: Session, *, address: str, name: str, role: str, password: str | None) -> dict[str, str]:
    errors = {}
    local, _at, domain = address.rpartition("@")
    if not local or "." not in domain or any(sign.isspace() for sign in address):
        errors["email"] = f"{address!r} is not an e-mail address; write it like jane@example.com"
    elif find_user_by_email(session, address):
        errors["email"] = "There is a user with this address already"
    if not name.strip():
        errors["name"] = "Give the name that colleagues know"
    if role not in set(Role):
        errors["role"] = f"Choose one of {', '.join(Role)}"
    wrong = complaint(password, email=address) if password is not None else None
    if wrong:
        errors["password"] = wrong
    return errors


def set_signature(session: Session, *, user: User, text: str) -> None:
    """What stands under e-mails to this user's accounts. Raises InvalidInput for field `signature`."""
    signature = "\n".join(line.rstrip() for line in text.strip().splitlines())
    if len(signature) > _LONGEST_SIGNATURE or signature.count("\n") >= _SIGNATURE_LINES:
        limits = f"{_SIGNATURE_LINES} lines and {_LONGEST_SIGNATURE:,} characters"
        raise InvalidInput("The signature is too long", {"signature": f"may have {limits} at most"})
    if any(char != "\n" and not char.isprintable() for char in signature):
        raise InvalidInput("The signature cannot be used", {"signature": "holds characters that cannot be printed"})
    if signature != user.signature:
        user.signature = signature
        record(session, action="user.signature", subject="user", subject_id=user.id)


def set_password(session: Session, *, user: User, password: str) -> None:
    """A new password; ends every session and voids every link of this user."""
    wrong = complaint(password, email=user.email)
    if wrong:
        raise InvalidInput("The password was not changed", {"password": wrong})
    user.password_hash = hash_password(password)
    end_sessions(session, user=user)
    session.execute(
        update(OneTimeToken)
        .where(OneTimeToken.user_id == user.id, OneTimeToken.used_at.is_(None))
        .values(used_at=clock.now())
    )
    record(session, action="user.password", subject="user", subject_id=user.id)


def set_role(session: Session, *, user: User, role: str) -> None:
    if role not in set(Role):
        raise InvalidInput("The role was not changed", {"role": f"Choose one of {', '.join(Role)}"})
    if user.role == Role.ADMIN and role != Role.ADMIN:
        _keep_one_admin(session, leaving=user)
    before, user.role = user.role, role
    end_sessions(session, user=user)
    record(
        session, action="user.role", subject="user", subject_id=user.id, before={"role": before}, after={"role": role}
    )


def disable_user(session: Session, *, user: User) -> None:
    """The user can no longer sign in; every session ends at once."""
    if user.role == Role.ADMIN:
        _keep_one_admin(session, leaving=user)
    user.is_active = False
    end_sessions(session, user=user)
    record(session, action="user.disable", subject="user", subject_id=user.id)


def enable_user(session: Session, *, user: User) -> None:
    user.is_active = True
    record(session, action="user.enable", subject="user", subject_id=user.id)


def _keep_one_admin(session: Session, *, leaving: User) -> None:
    others = session.scalar(
        select(func.count()).select_from(User).where(User.role == Role.ADMIN, User.is_active, User.id != leaving.id)
    )
    if not others:
        raise Refused("This is the last active administrator; make somebody else one first")


def end_sessions(session: Session, *, user: User) -> None:
    session.execute(delete(UserSession).where(UserSession.user_id == user.id))


def open_session(session: Session, *, user: User, ip: str, agent: str) -> str:
    """A new browser session; returns the token that only the browser keeps."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.add(
        UserSession(
            token_digest=digest(token), user_id=user.id, created_at=now, last_seen_at=now, ip=ip, agent=agent[:200]
        )
    )
    record(session, action="user.sign_in", subject="user", subject_id=user.id)
    return token


def issue_link_token(session: Session, *, user: User, minutes: int = RESET_MINUTES) -> str:
    """A single-use token with which the user sets a password; only its digest is stored."""
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeToken(digest=digest(token), user_id=user.id, expires_at=clock.now() + timedelta(minutes=minutes))
    )
    record(session, action="user.link", subject="user", subject_id=user.id)
    return token


def issue_first_set_up_token(session: Session) -> str:
    """For an installation without users: a single-use token with which the first administrator is made."""
    token = secrets.token_urlsafe(32)
    expires = clock.now() + timedelta(days=1)
    session.add(OneTimeToken(digest=digest(token), user_id=None, expires_at=expires))
    return token


def create_first_admin(session: Session, *, token: OneTimeToken, email: str, name: str, password: str) -> User:
    """The first administrator. Raises Refused when there are users already, InvalidInput on wrong fields."""
    if session.scalar(select(func.count()).select_from(User)):
        raise Refused("There are users already; sign in, or ask an administrator for a link")
    user = create_user(session, email=email, name=name, role=Role.ADMIN, password=password)
    token.used_at = clock.now()
    return user
