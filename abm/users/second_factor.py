"""The second factor of a user: switching it on and off, checking codes, recovery codes.

Whatever changes it ends the user's sessions, is audited and mailed to the user. A new password changes nothing of it.
"""

import base64
import secrets

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.users import totp
from abm.users.actions import end_sessions
from abm.users.models import RecoveryCode, SecondFactor, User
from abm.users.notices import TELL_OF_SECOND_FACTOR
from abm.users.queries import digest
from core import clock
from core.errors import InvalidInput, Refused
from core.jobs.queue import ring_after_commit
from core.secrets import decrypt, encrypt

RECOVERY_CODES = 10
_CODE_BYTES = 10
_WRONG = InvalidInput("The code is not right", {"code": "is not right, or was used already; wait for the next one"})


def has_second_factor(session: Session, user_id: int) -> bool:
    factor = session.get(SecondFactor, user_id)
    return factor is not None and factor.confirmed_at is not None


def list_protected_users(session: Session) -> set[int]:
    """The ids of users whose second factor is on."""
    return set(session.scalars(select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))))


def count_recovery_codes(session: Session, user_id: int) -> int:
    """How many are left."""
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))) or 0


def find_open_secret(session: Session, user_id: int) -> str | None:
    """The secret of an enrolment that waits for its first code; a confirmed one is never shown again."""
    factor = session.get(SecondFactor, user_id)
    return decrypt(factor.secret_sealed) if factor is not None and factor.confirmed_at is None else None


def begin_second_factor(session: Session, *, user: User) -> None:
    """A new secret for the user's app; nothing is asked for at sign-in until it is confirmed."""
    if has_second_factor(session, user.id):
        raise Refused("Your second factor is on already; switch it off first to use another device")
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    session.add(SecondFactor(user_id=user.id, secret_sealed=encrypt(totp.new_secret()), created_at=clock.now(),
                             last_step=0))
    session.flush()


def confirm_second_factor(session: Session, *, user: User, code: str) -> list[str]:
    """Switch it on by a first code; returns the recovery codes, which nobody sees again. Raises InvalidInput."""
    factor = session.get(SecondFactor, user.id)
    if factor is None or factor.confirmed_at is not None:
        raise Refused("There is no second factor to confirm; begin again")
    if not _takes_app_code(session, user.id, code):
        raise _WRONG
    factor.confirmed_at = clock.now()
    codes = _make_recovery_codes(session, user)
    _note_change(session, user, "user.second_factor_on")
    return codes


def renew_recovery_codes(session: Session, *, user: User, code: str) -> list[str]:
    """Ten new codes; the old ones end. Raises InvalidInput for a wrong code."""
    if not takes_code(session, user=user, code=code):
        raise _WRONG
    record(session, action="user.recovery_codes", subject="user", subject_id=user.id)
    return _make_recovery_codes(session, user)


def switch_off(session: Session, *, user: User, code: str) -> None:
    """By the user, with a code of the app or a recovery code. Raises InvalidInput for a wrong one."""
    if not takes_code(session, user=user, code=code):
        raise _WRONG
    _remove(session, user)
    _note_change(session, user, "user.second_factor_off")


def reset_second_factor(session: Session, *, user: User) -> None:
    """By an administrator, for a user who has neither device nor recovery codes."""
    if not has_second_factor(session, user.id):
        raise Refused(f"{user.name} has no second factor")
    _remove(session, user)
    _note_change(session, user, "user.second_factor_reset")


def takes_code(session: Session, *, user: User, code: str) -> bool:
    """Whether a confirmed factor accepts what was typed, of the app or a recovery code; it is used up then."""
    if not has_second_factor(session, user.id):
        return False
    plain = "".join(code.split()).replace("-", "").upper()
    if plain.isdecimal():
        return _takes_app_code(session, user.id, plain)
    used = session.execute(update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.digest == digest(plain), RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now()).returning(RecoveryCode.id)).first()
    if used is not None:
        record(session, action="user.recovery_code_used", subject="user", subject_id=user.id)
    return used is not None


def _takes_app_code(session: Session, user_id: int, typed: str) -> bool:
    """One statement marks the step as used, so that of two sign-ins with one code only one succeeds."""
    factor = session.get(SecondFactor, user_id)
    plain = "".join(typed.split())
    if factor is None or not plain.isascii():
        return False
    step = totp.find_step(decrypt(factor.secret_sealed), plain, timestamp=clock.now().timestamp(),
                          after=factor.last_step)
    if step is None:
        return False
    return session.execute(update(SecondFactor).where(
        SecondFactor.user_id == user_id, SecondFactor.last_step < step)
        .values(last_step=step).returning(SecondFactor.user_id)).first() is not None


def _make_recovery_codes(session: Session, user: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    plain = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, digest=digest(one)) for one in plain)
    return ["-".join(one[start:start + 4] for start in range(0, len(one), 4)) for one in plain]


def _remove(session: Session, user: User) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))


def _note_change(session: Session, user: User, action: str) -> None:
    end_sessions(session, user=user)
    record(session, action=action, subject="user", subject_id=user.id)
    ring_after_commit(session, TELL_OF_SECOND_FACTOR, user_id=user.id, action=action)


def rotate_second_factors(session: Session) -> int:
    """Seal the secrets again with the newest key; how many."""
    factors = session.scalars(select(SecondFactor)).all()
    for factor in factors:
        factor.secret_sealed = encrypt(decrypt(factor.secret_sealed))
    return len(factors)
