"""Sign-in throttling: the wait grows with each failure, nobody is locked out for good."""

from datetime import timedelta

from sqlalchemy.orm import Session

from abm.users.models import SignInThrottle
from core import clock
from core.signing import keyed_digest

_FREE_TRIES = 5
_FIRST_WAIT, _LONGEST = 60, 900


def wait_seconds(failures: int) -> int:
    """Seconds to wait after so many failures in a row: none up to five, then 1, 2, 4 … up to 15 minutes: never
    more than five tries a minute."""
    return 0 if failures < _FREE_TRIES else min(_LONGEST, _FIRST_WAIT * 2 ** min(failures - _FREE_TRIES, 10))


def throttle_key(email: str, ip: str) -> str:
    return keyed_digest("sign-in", f"{email.strip().lower()}|{ip}")


def seconds_to_wait(session: Session, key: str) -> int:
    """How long this account and address must still wait; 0 when it may try."""
    row = session.get(SignInThrottle, key)
    return max(0, round((row.blocked_until - clock.now()).total_seconds())) if row else 0


def note_failure(session: Session, key: str) -> None:
    row = session.get(SignInThrottle, key)
    if row is None:
        row = SignInThrottle(key=key, failures=0, blocked_until=clock.now())
        session.add(row)
    row.failures += 1
    row.blocked_until = clock.now() + timedelta(seconds=wait_seconds(row.failures))


def forget_failures(session: Session, key: str) -> None:
    row = session.get(SignInThrottle, key)
    if row is not None:
        session.delete(row)
