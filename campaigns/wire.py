"""Bytes of a message, written by hand: addresses, header values and quoted-printable bodies (RFC 5322, 2045, 2047).

`email.message.EmailMessage` per recipient costs more than everything else together, folds unsubscribe links into
encoded words and lets NUL through; so the bytes are made here and the tests read them with the standard library.
"""

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterator
from functools import lru_cache

import idna

from campaigns.personalisation import BadValue, ContentFailure

CRLF = b"\r\n"
_SOFT_BREAK = b"=\r\n"
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN_HEADER = re.compile(r"[ -~]*")
_PLAIN_LINE = re.compile(r"[ -<>-~]{0,74}[!-<>-~]\n?")
_MOST_PLAIN = 76
_PLAIN_LINES = re.compile(r"(?:[ -<>-~]{0,74}[!-<>-~]\n|\n)*+")
_MESSAGE_ID = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_HEADER_URL = re.compile(r"https?://[!-+\--;=?-~]*")
_WORD_BYTES = 45
MAX_SUBJECT = 255


class BadAddress(ContentFailure):
    """Nothing can be sent to (or from) this address."""

    reason = "bad_address"


@lru_cache(maxsize=20_000)
def address(written: str) -> str:
    """The address as it goes on the wire: ASCII local part, IDNA 2008 domain. Raises BadAddress."""
    local, at_sign, domain = written.strip().rpartition("@")
    if not at_sign or len(local) > 64 or not _LOCAL_PART.fullmatch(local):
        why = (
            "is not an e-mail address" if local.isascii() else "has letters before the @ that mail servers do not take"
        )
        raise BadAddress(f"{_shown(written)} {why}")
    host = _host(domain, written)
    if len(local) + 1 + len(host) > 254:
        raise BadAddress(f"{_shown(written)} is longer than 254 characters")
    return f"{local}@{host}"


def _host(domain: str, written: str) -> str:
    host = domain.lower().rstrip(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadAddress(f"{_shown(written)} has a domain that does not exist in this form") from error
    if not _PLAIN_HOST.fullmatch(host) or len(host) > 253:
        raise BadAddress(f"{_shown(written)} has a domain that does not exist in this form")
    return host


def _shown(written: str) -> str:
    return ascii(written[:80])


def mailbox(name: str, wire_address: str) -> str:
    """`"Doe, Jane" <jane@example.com>` as one header value; the name quoted or encoded so that it stays one name."""
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return f"{plain} <{wire_address}>" if (plain := name.strip()) else wire_address
    clean = one_line(name)
    if not clean:
        return wire_address
    if not clean.isascii() or "=?" in clean:
        return f"{encoded_words(clean)} <{wire_address}>"
    if _ATOMS.fullmatch(clean):
        return f"{clean} <{wire_address}>"
    quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{wire_address}>'


def subject_value(rendered: str) -> str:
    """A subject as a header value: one line, at most 255 characters, encoded where it is not plain ASCII."""
    is_plain = _PLAIN_HEADER.fullmatch(rendered) is not None
    clean = (rendered.strip() if is_plain else one_line(rendered))[:MAX_SUBJECT].rstrip()
    if (is_plain or _PLAIN_HEADER.fullmatch(clean)) and "=?" not in clean:
        return clean
    return encoded_words(clean)


def one_line(text: str) -> str:
    """Without control characters and line breaks. Raises BadValue for NUL and for half a surrogate pair."""
    if "\x00" in text:
        raise BadValue("A value holds the character NUL, which mail does not allow")
    _encoded(text)
    return _CONTROLS.sub(" ", text).strip()


def encoded_words(text: str) -> str:
    """RFC 2047 words of at most 75 characters, folded one to a line; also hides what only looks like such a word."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in _chunks(text))


def _chunks(text: str) -> Iterator[bytes]:
    chunk = b""
    for character in text:
        octets = _encoded(character)
        if len(chunk) + len(octets) > _WORD_BYTES:
            yield chunk
            chunk = b""
        chunk += octets
    if chunk:
        yield chunk


def message_id(written: str) -> str:
    """`<id@host>`. Raises BadValue when it is not a message id."""
    inner = written.strip().removeprefix("<").removesuffix(">")
    if not _MESSAGE_ID.fullmatch(inner) or len(inner) > 250:
        raise BadValue("The message id cannot be written in a header")
    return f"<{inner}>"


def header_url(url: str) -> str:
    """`<url>` for a list header, on one line and never encoded. Raises BadValue."""
    if not _HEADER_URL.fullmatch(url):
        raise BadValue("The unsubscribe address cannot be written in a header")
    return f"<{url}>"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadValue("A value holds broken text (half a surrogate pair)") from error


def quoted_line(text: str, *, is_open: bool) -> bytes:
    """One filled-in line, quoted-printable; `is_open`: what follows belongs to the same line."""
    if len(text) <= _MOST_PLAIN and _PLAIN_LINE.fullmatch(text):
        line = text.encode("ascii")
        if line.endswith(b"\n"):
            return line[:-1] + CRLF
        return line + _SOFT_BREAK if is_open else line
    encoded = quoted_printable(text)
    return encoded + _SOFT_BREAK if is_open and text and not encoded.endswith(CRLF) else encoded


def plain_lines(text: str) -> bytes | None:
    """Lines that need no encoding, each with its end; None where one does."""
    return text.encode("ascii").replace(b"\n", CRLF) if _PLAIN_LINES.fullmatch(text) else None


def quoted_piece(text: str, *, is_last: bool = False) -> bytes:
    """Quoted-printable with lines of at most 76 characters; unless it is the last, another piece may follow at once."""
    if not text:
        return b""
    encoded = quoted_printable(text)
    return encoded if is_last or encoded.endswith(CRLF) else encoded + _SOFT_BREAK


def quoted_printable(text: str) -> bytes:
    return b2a_qp(_canonical(text), istext=True).replace(b"\n", CRLF)


def base64_body(text: str) -> bytes:
    """Base64 in lines of 76; for text that is mostly not ASCII, where quoted-printable would triple it."""
    return encodebytes(_canonical(text).replace(b"\n", CRLF)).replace(b"\n", CRLF)


def _canonical(text: str) -> bytes:
    if "\x00" in text:
        raise BadValue("A value holds the character NUL, which mail does not allow")
    return _encoded(text.replace("\r\n", "\n").replace("\r", "\n"))


def is_better_in_base64(text: str) -> bool:
    """Whether more than a quarter of the bytes would need three characters each."""
    octets = text.encode("utf-8", "replace")
    return sum(octet > 127 for octet in octets) * 4 > len(octets)
