"""Passwords: argon2id, a minimum length, and a list of words nobody may use."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM, MAXIMUM = 12, 200
_HASHER = PasswordHasher()
_COMMON_PARTS = (
    "password",
    "123456",
    "qwerty",
    "letmein",
    "welcome",
    "iloveyou",
    "administrator",
    "abc123",
    "111111",
    "changeme",
    "passw0rd",
    "monkey",
    "dragon",
    "football",
    "sunshine",
    "princess",
    "123123",
    "112233",
    "121212",
    "000000",
    "654321",
    "987654",
    "1q2w3e4r",
    "q1w2e3r4",
    "qazwsx",
    "zaq12wsx",
    "1qaz2wsx",
    "asdfgh",
    "zxcvbn",
    "azerty",
    "trustno1",
    "superman",
    "starwars",
    "computer",
    "internet",
    "samsung",
    "michael",
    "charlie",
    "secret",
    "master",
    "shadow",
    "login",
    "passwort",
    "motdepasse",
    "contrasena",
)
# Verified against when there is no user, so that the answer takes as long. Made with the hasher's own parameters.
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$uLydIRkV3IJl7CSDuWUhuQ$oLnrykXym/Og/cgqQ5c/W7gVqusl+rXuVYT4/z7rXwc"


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def is_right(password: str, stored: str) -> bool:
    """Whether the password fits; always computes one hash, even when nothing is stored."""
    try:
        fits = _HASHER.verify(stored or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return fits and bool(stored)


def complaint(password: str, *, email: str = "") -> str | None:
    """What is wrong with a new password, in one sentence; None when it may be used."""
    if len(password) < MINIMUM:
        return f"Use at least {MINIMUM} characters; a short sentence is easy to remember."
    if len(password) > MAXIMUM:
        return f"Use at most {MAXIMUM} characters."
    plain = password.casefold()
    remainder = plain
    for part in (*_COMMON_PARTS, email.split("@")[0].casefold() or "\x00"):
        remainder = remainder.replace(part, "")
    if len(remainder) < 7 or len(set(plain)) < 5:
        return "That password is easy to guess; choose one without common words or repeated characters."
    return None
