"""Making, finding and revoking API tokens."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from abm.api.models import ApiToken
from abm.audit.actions import record
from abm.users.models import User
from abm.users.queries import digest
from abm.web.api_access import NEEDED, Scope
from abm.web.permissions import may
from core import clock, db
from core.errors import InvalidInput, NotFound

LONGEST_DAYS = 366
_SEEN_EVERY = timedelta(minutes=1)


def create_token(session: Session, *, user: User, name: str, scopes: Iterable[str], days: int) -> tuple[ApiToken, str]:
    """A new token of the user, and its text, which is not kept: show it once. Raises InvalidInput."""
    wanted = sorted(set(scopes))
    errors = {}
    if not name.strip() or len(name) > 100 or not name.isprintable():
        errors["name"] = "Name the program that will use it, in up to 100 signs"
    allowed = {scope.value for scope in Scope if may(user.role, NEEDED[scope])}
    if not wanted or set(wanted) - allowed:
        errors["scopes"] = f"Choose among {', '.join(sorted(allowed)) or 'none: the role allows no API'}"
    if not 1 <= days <= LONGEST_DAYS:
        errors["days"] = f"Between 1 and {LONGEST_DAYS} days"
    if errors:
        raise InvalidInput("The token was not made", errors)
    prefix = f"abm_{secrets.token_hex(4)}"
    plain = f"{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken(user_id=user.id, name=name.strip(), prefix=prefix, digest=digest(plain), scopes=wanted,
                     created_at=clock.now(), expires_at=clock.now() + timedelta(days=days))
    session.add(token)
    session.flush()
    record(session, action="api_token.create", subject="api_token", subject_id=token.id,
           after={"name": token.name, "prefix": prefix, "scopes": wanted, "days": days})
    return token, plain


def revoke_token(session: Session, *, token_id: int) -> ApiToken:
    """It opens nothing from now on. Raises NotFound."""
    token = session.get(ApiToken, token_id)
    if token is None:
        raise NotFound("There is no such token")
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        record(session, action="api_token.revoke", subject="api_token", subject_id=token.id)
    return token


def list_tokens(session: Session) -> Sequence[tuple[ApiToken, User]]:
    """Every token with its user, the newest first."""
    rows = session.execute(select(ApiToken, User).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc()))
    return [(token, user) for token, user in rows]


def find_token_user(session: Session, plain: str) -> tuple[ApiToken, User] | None:
    """The live token of this text with its active user; None for any other. Notes its use, at most once a minute."""
    row = session.execute(
        select(ApiToken, User).join(User, User.id == ApiToken.user_id)
        .where(ApiToken.digest == digest(plain), ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.now(),
               User.is_active)).first()
    if row is None:
        return None
    token, user = row
    if token.last_used_at is None or clock.now() - token.last_used_at > _SEEN_EVERY:
        if session.info.get("only_reads"):
            _note_use(token.id)
        else:
            token.last_used_at = clock.now()
    return token, user


def _note_use(token_id: int) -> None:
    """In a transaction of its own, since the request's is for reading."""
    with db.transaction() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=clock.now()))


def state_of(token: ApiToken) -> str:
    """live, revoked or expired."""
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.expires_at > clock.now() else "expired"
