"""Who a request comes from: the session token in the signed cookie, checked against the database each time.

Between a right password and a right second factor the cookie holds a note that opens nothing but the page for the code.
"""

import hmac
from datetime import timedelta

from flask import session as cookie
from sqlalchemy.orm import Session

from abm.users.models import User, UserSession
from abm.users.passwords import is_right
from abm.users.queries import find_session, find_user_by_email
from core import clock, db
from core.signing import keyed_digest

_SEEN_EVERY = timedelta(minutes=5)
_KEY, _WAITING = "token", "waits_for_code"
_CODE_WITHIN_SECONDS = 300


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


def wait_for_code(user: User, wanted: str) -> None:
    """The password was right: the cookie says who may now type a code, for five minutes and until the password changes.
    `wanted` is where they were going."""
    cookie.clear()
    cookie[_WAITING] = [user.id, int(clock.now().timestamp()), _mark_of_password(user), wanted[:500]]


def who_waits_for_code(session: Session) -> tuple[User, str] | None:
    """The active user whose password was right a short while ago, and where they were going."""
    if _WAITING not in cookie:
        return None
    user_id, since, mark, wanted = cookie[_WAITING]
    user = session.get(User, user_id)
    is_fresh = abs(clock.now().timestamp() - since) <= _CODE_WITHIN_SECONDS
    if user is None or not user.is_active or not is_fresh:
        return None
    return (user, wanted) if hmac.compare_digest(mark, _mark_of_password(user)) else None


def _mark_of_password(user: User) -> str:
    return keyed_digest("password-mark", user.password_hash)


def current_token() -> str:
    return str(cookie.get(_KEY, ""))


def forget() -> None:
    cookie.clear()
