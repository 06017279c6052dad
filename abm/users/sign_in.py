"""Who a request comes from: the session token in the signed cookie, checked against the database each time."""

from datetime import timedelta

from flask import session as cookie
from sqlalchemy.orm import Session

from abm.users.models import User, UserSession
from abm.users.passwords import is_right
from abm.users.queries import find_session, find_user_by_email
from core import clock, db

_SEEN_EVERY = timedelta(minutes=5)
_KEY = "token"


def current_user(session: Session) -> User | None:
    """The active user of this request's session, else None."""
    token = cookie.get(_KEY)
    found = find_session(session, token) if token else None
    if found is None:
        return None
    browser, user = found
    if clock.now() - browser.last_seen_at > _SEEN_EVERY:
        _note_seen(browser.id)
    return user


def _note_seen(session_id: int) -> None:
    """In a transaction of its own, since the request's may be for reading only."""
    with db.transaction() as session:
        browser = session.get(UserSession, session_id)
        if browser is not None:
            browser.last_seen_at = clock.now()


def check_credentials(session: Session, *, email: str, password: str) -> User | None:
    """The active user whose password this is; the same work is done whoever is asked for."""
    user = find_user_by_email(session, email)
    fits = is_right(password, user.password_hash if user else "")
    return user if user is not None and fits and user.is_active else None


def remember(token: str) -> None:
    """A new session in the cookie; whatever the old cookie held is gone."""
    cookie.clear()
    cookie[_KEY] = token
    cookie.permanent = True


def current_token() -> str:
    return str(cookie.get(_KEY, ""))


def forget() -> None:
    cookie.clear()
