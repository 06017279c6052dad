"""One request over HTTP to an address that a person typed in: guarded, bounded, never redirected.

The host is looked up once, every address checked, and the connection made to the checked one (`guard.connect`).
Proxies of the environment are not used.
"""

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from campaigns.channels.guard import connect
from campaigns.channels.smtp_line import verified_context
from core.errors import Refused

MOST_BYTES = 1 << 20
SECONDS = 10.0
_BLOCK = 1 << 16


class NoAnswer(Refused):
    """The request failed; `str()` says how, without anything that the other side said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A full answer; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    is_tls: bool
    host: str
    port: int
    target: str


def parse_address(url: str) -> Address:
    """An http(s) address in plain form. Raises Refused: other schemes, user names, odd hosts and control characters."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise Refused("The address has spaces or characters that do not belong into one")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("This is not an address such as https://api.example.com/orders") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("The address must begin with https:// or http:// and name a host")
    if "@" in parts.netloc:
        raise Refused("The address must not hold a user name or password; give the secret in its own field")
    if parts.fragment:
        raise Refused("The address must not hold a #")
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError:
        raise Refused("The host's name cannot be read") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii():
        raise Refused("The address holds letters that must be written as %XX")
    return Address(parts.scheme == "https", host, port or (443 if parts.scheme == "https" else 80), target)


def ask(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """The answer, whatever its status. Raises NoAnswer: not reached, not allowed, too slow in all, too large."""
    address = parse_address(url)
    opened = _open(address, seconds)
    over = threading.Event()
    watchdog = threading.Timer(seconds, _cut, args=(opened, over))
    watchdog.daemon = True
    watchdog.start()
    try:
        opened.request(method, address.target, body, {"Accept-Encoding": "identity", "Connection": "close",
                                                      "User-Agent": "abm-orchestrator", **(headers or {})})
        answer = opened.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if found.get("content-encoding", "identity") != "identity":
            raise NoAnswer(f"{address.host} answers compressed, which was not asked for")
        return Answer(answer.status, found, _read(answer, most_bytes, address.host))
    except (OSError, http.client.HTTPException, ValueError) as error:
        is_late = over.is_set() or isinstance(error, TimeoutError)
        reason = f"did not finish within {seconds:g} s" if is_late else f"broke off ({type(error).__name__})"
        raise NoAnswer(f"{address.host} {reason}") from error
    finally:
        watchdog.cancel()
        opened.close()


def _open(address: Address, seconds: float) -> http.client.HTTPConnection:
    made = http.client.HTTPConnection(address.host, address.port)
    try:
        raw = connect(address.host, address.port, timeout=seconds, is_guarded=True)
        raw.settimeout(seconds)
        made.sock = verified_context().wrap_socket(raw, server_hostname=address.host) if address.is_tls else raw
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NoAnswer(f"{address.host} cannot be reached: {reason}") from error
    return made


def _read(answer: http.client.HTTPResponse, most_bytes: int, host: str) -> bytes:
    parts, size = [], 0
    while block := answer.read(_BLOCK):
        size += len(block)
        if size > most_bytes:
            raise NoAnswer(f"{host} answers with more than {most_bytes // 1024:,} kB; ask for smaller pages")
        parts.append(block)
    return b"".join(parts)


def _cut(opened: http.client.HTTPConnection, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):
        if opened.sock is not None:
            opened.sock.shutdown(socket.SHUT_RDWR)
