"""Signing messages (RFC 6376, RFC 8463): one body hash and one signature per message and key, relaxed canonical forms.

From is signed once more than it occurs, so that nobody can add another one; the list headers are covered, as RFC 8058
asks. `cryptography` does the arithmetic.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

SIGNED = ("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version",
          "content-type", "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post",
          "auto-submitted", "precedence")
_SPACES = re.compile(rb"[ \t]+")
_FOLDS = re.compile(rb"\r\n(?=[ \t])")
_LINE = 70
_SIGNED = tuple(name.encode() for name in SIGNED)
_PADDING, _SHA256 = padding.PKCS1v15(), hashes.SHA256()
_PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """Signs for one domain and selector."""

    domain: str
    selector: str
    key: _PrivateKey = field(repr=False)

    def sign(self, wire: bytes, *, at: int) -> bytes:
        """The message with its DKIM-Signature in front. `wire` has CRLF ends; `at` is seconds since 1970."""
        head, _blank, body = wire.partition(b"\r\n\r\n")
        fields = canonical_fields(head)
        present = tuple([name for name in _SIGNED if name in fields])
        first, listed = _tags(self._algorithm, self.domain, self.selector, present)
        own = f"{first}{at}{listed}{body_hash(body)};\r\n\tb=".encode()
        signed = b"\r\n".join([fields[name] for name in present]) + b"\r\ndkim-signature:" + _relaxed_value(own)
        signature = b64encode(self._signature(signed)).decode()
        folded = "\r\n\t ".join([signature[start:start + _LINE] for start in range(0, len(signature), _LINE)])
        return b"".join((b"DKIM-Signature: ", own, folded.encode(), b"\r\n", wire))

    @property
    def _algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(signed, _PADDING, _SHA256)
        return self.key.sign(hashlib.sha256(signed).digest())


@lru_cache(maxsize=64)
def read_signer(domain: str, selector: str, pem: str) -> Signer:
    """A signer with the key of a PEM text; reading one costs more than signing with it. Raises ValueError."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("the key is neither RSA nor Ed25519")  # noqa: TRY004 - the text is wrong, not its type
    return Signer(domain, selector, key)


def body_hash(body: bytes) -> str:
    """Base64 of the SHA-256 of the relaxed form of a body."""
    body = _single_spaces(body).replace(b" \r\n", b"\r\n")
    while body.endswith(b"\r\n"):
        body = body[:-2]
    relaxed = body.rstrip(b" ") + b"\r\n" if body.strip(b" ") else b""
    return b64encode(hashlib.sha256(relaxed).digest()).decode()


def canonical_fields(head: bytes) -> dict[bytes, bytes]:
    """By lower-case name the relaxed form `name:value` of each header field; of several the last, which is signed."""
    if b"\r\n " in head or b"\r\n\t" in head:
        head = _FOLDS.sub(b"", head)
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            key = name.strip().lower()
            fields[key] = key + b":" + _single_spaces(value).strip()
    return fields


def _relaxed_value(value: bytes) -> bytes:
    return _single_spaces(value.replace(b"\r\n", b"")).strip()


def _single_spaces(value: bytes) -> bytes:
    return _SPACES.sub(b" ", value) if b"  " in value or b"\t" in value else value


@lru_cache(maxsize=256)
def _tags(algorithm: str, domain: str, selector: str, present: tuple[bytes, ...]) -> tuple[str, str]:
    """What stands before the time and between it and the body hash; the same for all messages of one form."""
    names = ":".join([*(name.decode() for name in present), "from"])
    return (f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector}; t=",
            f";\r\n\th={_folded(names, ':')};\r\n\tbh=")


def _folded(text: str, at: str) -> str:
    lines, line = [], ""
    for part in text.split(at):
        if line and len(line) + len(part) > _LINE:
            lines.append(line)
            line = ""
        line += part + at
    return "\r\n\t ".join([*lines, line]).removesuffix(at)
