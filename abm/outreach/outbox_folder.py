"""The messages that `outbox:` put into files, read for people. A file is one message, named by its delivery."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from campaigns.tracking import open_url
from core.errors import NotFound
from core.settings import settings

PAGE = 50
MOST_SEARCHED = 2_000
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.eml")


@dataclass(frozen=True)
class Mail:
    """One file, its head decoded. `html` and `text` are only there when the whole message was read."""

    name: str
    written_at: datetime
    to: str
    sender: str
    subject: str
    unsubscribe_url: str = ""
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class MailPage:
    """A stretch of the list, newest first. `total` counts all files, searched or not."""

    mails: list[Mail]
    total: int
    next_start: int | None


def list_mails(*, start: int = 0, words: str = "") -> MailPage:
    """Newest first; `words` looks into To and Subject of the newest 2,000."""
    files = _newest_first()
    if words.strip():
        wanted = words.strip().casefold()
        every = (_read_head(path) for path in files[:MOST_SEARCHED])
        matching = [mail for mail in every if wanted in f"{mail.to} {mail.subject}".casefold()]
        shown, more = matching[start : start + PAGE], len(matching) > start + PAGE
    else:
        shown, more = [_read_head(path) for path in files[start : start + PAGE]], len(files) > start + PAGE
    return MailPage(shown, len(files), start + PAGE if more else None)


def iterate_mails(words: str = "") -> Iterator[Mail]:
    """The heads of all messages whose To or Subject has `words`, newest first, read one by one."""
    wanted = words.strip().casefold()
    for path in _newest_first():
        mail = _read_head(path)
        if wanted in f"{mail.to} {mail.subject}".casefold():
            yield mail


def _newest_first() -> list[Path]:
    found = sorted(((path.stat().st_mtime, path) for path in settings().outbox_dir.glob("*.eml")), reverse=True)
    return [path for _moment, path in found]


def get_mail(name: str) -> Mail:
    """One message in full. Raises NotFound."""
    path = mail_path(name)
    message = _parse(path.read_bytes())
    html, text = _part(message, "html"), _part(message, "plain")
    return Mail(
        **_head(path, message),
        text=text,
        html=html,
        headers=tuple((header, str(value)) for header, value in message.items()),
    )


def mail_path(name: str) -> Path:
    """The file of that name inside the outbox. Raises NotFound for every other name."""
    path = settings().outbox_dir / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound("This message is no longer in the outbox; the list shows what is")
    return path


def html_for_reading(mail: Mail) -> str:
    """The HTML part with links that open in a tab of their own, and without the pixel: reading here is not an open."""
    pixels = re.escape(open_url(0).split("/o/")[0]) + r"/o/"
    html = re.sub(rf"""<img\b[^>]*\bsrc=["']{pixels}[^>]*>""", "", mail.html)
    base = '<base target="_blank">'
    found = re.search(r"<head\b[^>]*>", html, re.IGNORECASE)
    return html[: found.end()] + base + html[found.end() :] if found else base + html


def _read_head(path: Path) -> Mail:
    with path.open("rb") as file:
        head = file.read(16_000).split(b"\r\n\r\n", 1)[0]
    return Mail(**_head(path, _parse(head + b"\r\n\r\n")))


def _parse(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def _head(path: Path, message: EmailMessage) -> dict[str, Any]:
    return {
        "name": path.name,
        "written_at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
        "to": str(message.get("To", "")),
        "sender": str(message.get("From", "")),
        "subject": str(message.get("Subject", "")),
        "unsubscribe_url": str(message.get("List-Unsubscribe", "")).strip("<>"),
    }


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
