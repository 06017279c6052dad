"""Secrets at rest: encrypted with a key that is not in the database."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import CannotRun
from core.settings import settings


def _box() -> MultiFernet:
    keys = [
        hashlib.sha256(b"abm-secrets:" + part.strip().encode()).digest() for part in settings().secret_key.split(",")
    ]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def encrypt(plain: str) -> str:
    return _box().encrypt(plain.encode()).decode()


def decrypt(sealed: str) -> str:
    """The plain secret. Raises CannotRun when the key that sealed it is no longer configured."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotRun(
            "A stored secret cannot be read: ABM_SECRET_KEY changed; put the old key after a comma"
        ) from error
