"""SMTP as bytes (RFC 5321, 2920, 3207, 4954): replies read, commands and content made. No sockets here."""

import base64
import re
from collections import deque
from dataclasses import dataclass

MAX_REPLY_BYTES = 64 * 1024
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]+@[^\s<>@\x00-\x1f\x7f]+")


@dataclass(slots=True)
class Reply:
    """One reply of the server: its code and all its text, lines joined by line feeds."""

    code: int
    text: str

    @property
    def is_ok(self) -> bool:
        return 200 <= self.code < 400

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500


class BadReply(Exception):
    """The server says something that is not SMTP."""


class ReplyReader:
    """Cuts replies out of the bytes that arrive, however they are sliced."""

    def __init__(self) -> None:
        self._whole: deque[bytes] = deque()
        self._rest = b""
        self._held = 0
        self._lines: list[str] = []

    def feed(self, arrived: bytes) -> None:
        self._held += len(arrived)
        if self._held > MAX_REPLY_BYTES:
            raise BadReply("the server's reply has no end")
        *whole, self._rest = (self._rest + arrived).split(b"\n")
        self._whole.extend(whole)

    def next(self) -> Reply | None:
        """The next whole reply, or None until more bytes are there. Raises BadReply."""
        while self._whole:
            line = self._whole.popleft()
            self._held -= len(line) + 1
            line = line.rstrip(b"\r")
            code, mark, text = line[:3], line[3:4], line[4:].decode("utf-8", "replace")
            if len(code) < 3 or not code.isdigit() or mark not in (b"", b" ", b"-"):
                raise BadReply(f"the server does not speak SMTP: {line.decode('utf-8', 'replace')[:80]}")
            if mark != b"-" and not self._lines:
                return Reply(int(code), text)
            self._lines.append(text)
            if mark != b"-":
                text, self._lines = "\n".join(self._lines), []
                return Reply(int(code), text)
        return None

    def forget(self) -> None:
        """Drop what came before a TLS handshake: it was not protected (RFC 3207, section 6)."""
        self._whole.clear()
        self._lines.clear()
        self._rest, self._held = b"", 0


@dataclass(frozen=True, slots=True)
class Offer:
    """What EHLO offered."""

    pipelining: bool = False
    starttls: bool = False
    utf8: bool = False
    size: int = 0
    auth: frozenset[str] = frozenset()


def read_offer(reply: Reply) -> Offer:
    """The extensions in an EHLO reply; its first line is a greeting."""
    words = [line.upper().replace("AUTH=", "AUTH ").split() for line in reply.text.split("\n")[1:]]
    found = {word[0]: word[1:] for word in words if word}
    size = found.get("SIZE", [])
    return Offer("PIPELINING" in found, "STARTTLS" in found, "SMTPUTF8" in found,
                 int(size[0]) if size and size[0].isdigit() else 0, frozenset(found.get("AUTH", [])))


def is_sendable(address: str) -> bool:
    """Whether an address may stand in MAIL FROM or RCPT TO without breaking out of it."""
    return _ADDRESS.fullmatch(address) is not None


def envelope(sender: str, recipient: str) -> tuple[bytes, bytes, bytes]:
    """MAIL, RCPT and DATA for one message, each a line; both addresses have passed `is_sendable`."""
    extra = "" if sender.isascii() and recipient.isascii() else " SMTPUTF8"
    return f"MAIL FROM:<{sender}>{extra}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode(), b"DATA\r\n"


def content(wire: bytes) -> bytes:
    """The message as it goes after 354: dot-stuffed, ended by the final dot.

    Raises ValueError on a lonely CR or LF, which some servers take for a line end (SMTP smuggling).
    """
    joined = b"\r\n".join(wire.splitlines())  # the quickest way to find a line end of another kind
    if joined != wire and joined + b"\r\n" != wire:
        raise ValueError("the message has a line end that is not CRLF")
    stuffed = wire.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


def auth_plain(user: str, password: str) -> bytes:
    return b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"


def in_base64(text: str) -> bytes:
    return base64.b64encode(text.encode()) + b"\r\n"
