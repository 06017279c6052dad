"""Looking into mailboxes: every message is read once, in a transaction of its own, and none is taken from its reader.

A Maildir's message moves from `new` to `cur`; of an IMAP mailbox the last number read is kept, flags stay as they are.
A message that was read before a crash is found again by its own digest and changes nothing.
"""

import imaplib
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from socket import socket

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from campaigns.channels.guard import connect
from campaigns.channels.smtp_line import verified_context
from campaigns.models import Mailbox
from campaigns.receipts import receive_message
from core import clock
from core.db import reading, transaction
from core.jobs import stopping
from core.logs import logger
from core.secrets import decrypt

MOST_AT_ONCE = 500
MAX_BYTES = 25_000_000
BETWEEN = timedelta(seconds=50)
LOOK_BACK = timedelta(days=90)
PORTS = {"implicit": 993, "starttls": 143, "none": 143}
_TIMEOUT = 30.0
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_log = logger(__name__)


class Unreadable(Exception):
    """The mailbox cannot be read; says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many messages of a mailbox were read now, and what stood in the way (empty: nothing)."""

    name: str
    messages: int
    problem: str


def poll_all(*, is_now: bool = False) -> list[Found]:
    """Look into every mailbox that was not looked into within the last 50 seconds (`is_now`: into every one)."""
    with reading() as session:
        ids = list(session.scalars(select(Mailbox.id).where(Mailbox.is_active.is_(True)).order_by(Mailbox.id)))
    return [found for mailbox_id in ids if (found := poll(mailbox_id, is_now=is_now))]


def poll(mailbox_id: int, *, is_now: bool = False) -> Found | None:
    """None where another process has just looked into it."""
    with transaction() as session:
        mailbox = _claim(session, mailbox_id, is_now=is_now)
        if mailbox is None:
            return None
        session.expunge(mailbox)
    count, problem = 0, ""
    try:
        for was_read in (_read_maildir(mailbox) if mailbox.kind == "maildir" else _read_imap(mailbox)):
            count += was_read
            if stopping():
                break
    except (OSError, imaplib.IMAP4.error, Unreadable) as error:
        problem = _in_words(error)
        _log.warning("a mailbox could not be read", mailbox=mailbox_id, reason=type(error).__name__)
    with transaction() as session:
        session.execute(update(Mailbox).where(Mailbox.id == mailbox_id)
                        .values(problem=problem[:300], messages=Mailbox.messages + count))
    return Found(mailbox.name, count, problem)


def _claim(session: Session, mailbox_id: int, *, is_now: bool) -> Mailbox | None:
    now = clock.now()
    wanted = update(Mailbox).where(Mailbox.id == mailbox_id)
    if not is_now:
        wanted = wanted.where(or_(Mailbox.checked_at.is_(None), Mailbox.checked_at < now - BETWEEN))
    if session.execute(wanted.values(checked_at=now).returning(Mailbox.id)).first() is None:
        return None
    return session.get(Mailbox, mailbox_id)


def _in_words(error: Exception) -> str:
    if isinstance(error, imaplib.IMAP4.error):
        return f"The server refused: {str(error)[:200]}"
    if isinstance(error, ssl.SSLError):
        return f"No connection under TLS: {error.reason or error}"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__


def _read_maildir(mailbox: Mailbox) -> Iterator[bool]:
    """True for each message that was new. Raises Unreadable, OSError."""
    folder = Path(mailbox.folder)
    new, cur = folder / "new", folder / "cur"
    if not (new.is_dir() and cur.is_dir()):
        raise Unreadable(f"{folder} is no Maildir: it has no folders new and cur")
    for file in sorted(new.iterdir())[:MOST_AT_ONCE]:
        if file.name.startswith(".") or file.is_symlink() or not file.is_file():
            continue
        if file.stat().st_size <= MAX_BYTES:
            raw = file.read_bytes()
            with transaction() as session:
                receive_message(session, raw)
        with suppress(FileNotFoundError):  # somebody else's mail program may have moved it
            os.replace(file, cur / f"{file.name.partition(':')[0]}:2,S")
        yield True


class _Imap(imaplib.IMAP4):
    """An IMAP connection to the very address that was checked, under TLS from the start where that is asked for."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        super().__init__(mailbox.host, mailbox.port or PORTS[mailbox.tls], timeout=_TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket:
        opened = connect(self.host, self.port, timeout=timeout or _TIMEOUT, is_guarded=True)
        if self._mailbox.tls != "implicit":
            return opened
        return verified_context().wrap_socket(opened, server_hostname=self.host)


def _read_imap(mailbox: Mailbox) -> Iterator[bool]:
    """True for each message that was new. Raises Unreadable, OSError, imaplib.IMAP4.error."""
    server = _Imap(mailbox)
    try:
        if mailbox.tls == "starttls":
            server.starttls(verified_context())
        server.login(mailbox.user_name, decrypt(mailbox.secret_sealed) if mailbox.secret_sealed else "")
        yield from _read_folder(server, mailbox)
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _read_folder(server: _Imap, mailbox: Mailbox) -> Iterator[bool]:
    quoted = '"' + mailbox.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
    answer, told = server.select(quoted, readonly=True)
    if answer != "OK":
        raise Unreadable(f"There is no folder {mailbox.folder}: {_words(told)}")
    validity = int(_words(server.response("UIDVALIDITY")[1]) or 0)
    last = mailbox.last_uid if validity == mailbox.uid_validity else 0
    if validity != mailbox.uid_validity:
        _begin_again(mailbox.id, validity)
    for uid in _new_uids(server, last):
        raw = _fetch(server, uid)
        yield _take(mailbox.id, uid, raw)


def _words(told: object) -> str:
    first = told[0] if isinstance(told, list | tuple) and told else b""
    return first.decode("ascii", "replace") if isinstance(first, bytes) else str(first or "")


def _begin_again(mailbox_id: int, validity: int) -> None:
    """The server numbered its messages anew: they are read again, and known ones change nothing."""
    with transaction() as session:
        session.execute(update(Mailbox).where(Mailbox.id == mailbox_id).values(uid_validity=validity, last_uid=0))


def _new_uids(server: _Imap, last: int) -> list[int]:
    since = (clock.now() - LOOK_BACK).strftime("%d-%b-%Y")
    answer, told = server.uid("SEARCH", "UID", f"{last + 1}:*", "SINCE", since)
    if answer != "OK":
        raise Unreadable(f"The server does not search: {_words(told)}")
    # `n:*` always holds the last message, also when its number is below n
    return sorted(uid for uid in map(int, _words(told).split()) if uid > last)[:MOST_AT_ONCE]


def _fetch(server: _Imap, uid: int) -> bytes | None:
    """The message, read without marking it; None for one that is gone or too large."""
    _answer, told = server.uid("FETCH", str(uid), "(RFC822.SIZE)")
    size = _SIZE.search(told[0] if told and isinstance(told[0], bytes) else b"")
    if size is None or int(size[1]) > MAX_BYTES:
        return None
    _answer, told = server.uid("FETCH", str(uid), "(BODY.PEEK[])")
    return next((part[1] for part in told if isinstance(part, tuple)), None)


def _take(mailbox_id: int, uid: int, raw: bytes | None) -> bool:
    """Apply it and count its number as read in one transaction; False when another process was quicker."""
    with transaction() as session:
        moved = session.execute(update(Mailbox).where(Mailbox.id == mailbox_id, Mailbox.last_uid < uid)
                                .values(last_uid=uid).returning(Mailbox.id)).first()
        if moved is None or raw is None:
            return False
        receive_message(session, raw)
        return True
