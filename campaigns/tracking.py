"""Addresses that a message carries: unsubscribe, click, open and bounce; each a signed token bound to its purpose.

A click token holds the target itself, signed: a redirect needs no table, works for ever and cannot be bent to another
place. No token holds a person's address.
"""

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.settings import settings
from core.signing import read, read_id, sign, sign_id

UNSUBSCRIBE, PREFERENCES, BOUNCE = "unsubscribe", "preferences", "bounce"
CLICK, OPEN, TRAP = "click", "open", "trap"
_STATIC, _PERSONAL = b"s", b"p"
_ID_BYTES = 8
MAX_TRACKED_URL = 1_500


@dataclass(frozen=True, slots=True)
class Click:
    """What a genuine click token says. A personal target holds values of the person and is never stored."""

    delivery_id: int
    url: str
    is_personal: bool


def unsubscribe_url(delivery_id: int) -> str:
    """The page that asks, and the address for one-click unsubscribe (RFC 8058); works for ever."""
    return f"{settings().base_url}/u/{sign_id(UNSUBSCRIBE, delivery_id)}"


def preferences_url(delivery_id: int) -> str:
    """The page with a switch for every purpose; works for ever."""
    return f"{settings().base_url}/p/{sign_id(PREFERENCES, delivery_id)}"


def read_preferences(token: str) -> int | None:
    """The delivery that the link was sent in, or None for a token that is not ours."""
    return read_id(PREFERENCES, token)


def read_unsubscribe(token: str) -> int | None:
    """The delivery that the link was sent in, or None for a token that is not ours."""
    return read_id(UNSUBSCRIBE, token)


def open_url(delivery_id: int) -> str:
    return f"{settings().base_url}/o/{sign_id(OPEN, delivery_id)}.gif"


def read_open(token: str) -> int | None:
    return read_id(OPEN, token)


def click_url(delivery_id: int, url: str, *, is_personal: bool = False) -> str:
    """A link through us to `url`; the plain target when it is too long to be wrapped."""
    if len(url) > MAX_TRACKED_URL:
        return url
    kind = _PERSONAL if is_personal else _STATIC
    return f"{settings().base_url}/c/{sign(CLICK, kind + delivery_id.to_bytes(_ID_BYTES, 'big') + url.encode())}"


def trap_url(delivery_id: int) -> str:
    """A hidden link that only programs follow."""
    return f"{settings().base_url}/t/{sign_id(TRAP, delivery_id)}"


def read_trap(token: str) -> int | None:
    return read_id(TRAP, token)


def read_click(token: str) -> Click | None:
    """What a click token says, or None for one that is not ours or whose target is not on the web."""
    payload = read(CLICK, token)
    if payload is None or len(payload) <= _ID_BYTES + 1:
        return None
    url = payload[_ID_BYTES + 1 :].decode("utf-8", "replace")
    if urlsplit(url).scheme not in ("http", "https"):
        return None
    return Click(int.from_bytes(payload[1 : _ID_BYTES + 1], "big"), url, payload[:1] == _PERSONAL)


def envelope_sender(sender_address: str, delivery_id: int) -> str:
    """VERP where a bounce address is set (bounces@b.example.com -> bounces+token@b.example.com), else the sender.

    The token is lower-case base32: some relays change the case of an envelope address.
    """
    bounce_address = settings().bounce_address
    if not bounce_address:
        return sender_address
    local, _, domain = bounce_address.rpartition("@")
    token = sign_id(BOUNCE, delivery_id)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return f"{local}+{b32encode(raw).decode().rstrip('=').lower()}@{domain}"


def read_envelope_recipient(address: str) -> int | None:
    """The delivery whose bounce came to this address; None when it is not ours or the signature is wrong."""
    found = re.search(r"\+([a-z2-7]{32,60})@", address.lower())
    if not found:
        return None
    encoded = found[1].upper()
    try:
        raw = b32decode(encoded + "=" * (-len(encoded) % 8))
    except ValueError:
        return None
    return read_id(BOUNCE, urlsafe_b64encode(raw).rstrip(b"=").decode())
