"""Time-based one-time passwords: RFC 6238 over HOTP (RFC 4226), with SHA-1, 30 seconds and six digits, which is what
every authenticator app reads. Pure: the moment is an argument."""

import base64
import hmac
import secrets
from urllib.parse import quote

STEP_SECONDS, DIGITS = 30, 6
_SECRET_BYTES = 20
_DRIFT = 1


def new_secret() -> str:
    """160 random bits in base32, as an app takes them."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def hotp(key: bytes, counter: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """The password of a counter: RFC 4226, 5.3."""
    mac = hmac.digest(key, counter.to_bytes(8, "big"), digest)
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start:start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(timestamp: float) -> int:
    """The number of the 30-second step that a moment (seconds since 1970) lies in."""
    return int(timestamp) // STEP_SECONDS


def find_step(secret: str, typed: str, *, timestamp: float, after: int) -> int | None:
    """The step whose password was typed, one step of drift either way; only steps behind `after`, the last one used.

    The same work is done whether a password fits or not.
    """
    key, now, found = base64.b32decode(secret), step_at(timestamp), None
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        fits = hmac.compare_digest(hotp(key, step).encode(), typed.encode())
        if fits and step > after:
            found = step
    return found


def in_groups(secret: str) -> str:
    """Four signs at a time, to be typed off a screen."""
    return " ".join(secret[start:start + 4] for start in range(0, len(secret), 4))


def enrolment_link(secret: str, *, issuer: str, account: str) -> str:
    """`otpauth://…`, which opens the app when the page is read on the telephone."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return (f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}"
            f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}")


def picture(link: str) -> str:
    """The link as a QR code (ISO/IEC 18004) for an app's camera: SVG of fixed colours, four modules of margin."""
    import segno  # a twentieth of a second that every start and command would wait for

    code = segno.make(link, error="m", micro=False)
    return str(code.svg_inline(scale=4, border=4, dark="#000", light="#fff", title="The key as a QR code"))
