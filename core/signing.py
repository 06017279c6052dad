"""Short signed tokens for links: bound to a purpose, opaque, never expiring by themselves.

A token is url-safe base64 of: key id (1 byte), payload, HMAC-SHA256 cut to 16 bytes over purpose and payload.
Old keys stay in `ABM_SECRET_KEY` after a comma (`new,old`), so links in sent mail survive a rotation.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from core.settings import settings

_MAC_BYTES = 16


@lru_cache(maxsize=8)
def _keys(secret: str) -> dict[int, bytes]:
    """Key id to key; the id is derived from the key, so that the order of rotation does not matter."""
    keys: dict[int, bytes] = {}
    for part in reversed(secret.split(",")):
        digest = hashlib.sha256(b"abm-signing:" + part.strip().encode()).digest()
        keys[digest[0]] = digest
    return keys


@lru_cache(maxsize=64)
def _pads(key: bytes, purpose: str) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The two inner states of HMAC-SHA256 (RFC 2104) after key and purpose: copying them is cheaper than `hmac.digest`,
    and a message needs several."""
    padded = key.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + purpose.encode() + b"\x00")
    return inner, hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))


def _digest(key: bytes, purpose: str, payload: bytes) -> bytes:
    inner, outer = _pads(key, purpose)
    inner, outer = inner.copy(), outer.copy()
    inner.update(payload)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=8)
def _newest(secret: str) -> tuple[bytes, bytes]:
    """Id (one byte) and key that new tokens are made with."""
    key_id, key = next(reversed(_keys(secret).items()))
    return bytes([key_id]), key


@lru_cache(maxsize=8)
def _oldest(secret: str) -> bytes:
    return next(iter(_keys(secret.split(",")[-1]).values()))


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    return _digest(key, purpose, payload)[:_MAC_BYTES]


def sign(purpose: str, payload: bytes) -> str:
    """A token that says `payload` and can be made only here; `purpose` is not readable in it."""
    key_id, key = _newest(settings().secret_key)
    return urlsafe_b64encode(key_id + payload + _mac(key, purpose, payload)).rstrip(b"=").decode()


def read(purpose: str, token: str) -> bytes | None:
    """The payload of a token made by `sign` for the same purpose, else None. Constant work on a bad one."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii", "replace") + b"=" * (-len(token) % 4))
    except ValueError:
        raw = b""
    key_id, payload, given = (raw[0] if raw else 0), raw[1:-_MAC_BYTES], raw[-_MAC_BYTES:]
    keys = _keys(settings().secret_key)
    expected = _mac(keys.get(key_id, b"\x00" * 32), purpose, payload)
    is_genuine = hmac.compare_digest(expected, given) and key_id in keys and len(raw) > _MAC_BYTES
    return payload if is_genuine else None


def sign_id(purpose: str, number: int) -> str:
    """A token for one row id."""
    return sign(purpose, number.to_bytes(8, "big"))


def read_id(purpose: str, token: str) -> int | None:
    payload = read(purpose, token)
    return int.from_bytes(payload, "big") if payload is not None and len(payload) == 8 else None


def keyed_digest(purpose: str, value: str) -> str:
    """A stable keyed hash (hex) of a value that must be compared but not be read, such as an address."""
    key = _oldest(settings().secret_key)
    return _digest(key, purpose, value.encode("utf-8", "surrogatepass")).hex()[:40]
