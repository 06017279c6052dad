"""What providers' webhooks say, in one form. Pure: a JSON object in, events out; what is not understood is left out.

`standard`: {"type": kind, "timestamp": moment, "data": {…}} or {"events": [the same, …]}, with data's message_id or
address, status, text, url, agent, ip and body. `resend`: {"type": "email.bounced", "created_at": …, "data": {…}} as in
Resend's public documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KINDS = ("bounce", "complaint", "delivered", "delayed", "open", "click", "reply", "auto_reply")
FORMS = {"standard": "Standard Webhooks", "resend": "Resend"}
_RESEND_KINDS = {
    "email.bounced": "bounce", "email.complained": "complaint", "email.delivered": "delivered",
    "email.delivery_delayed": "delayed", "email.opened": "open", "email.clicked": "click",
}
_GONE = frozenset({"general", "noemail", "suppressed", "onaccountsuppressionlist"})
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One thing a provider tells. `provider_id`: its own id of the message; `status`: an RFC 3463 code or empty."""

    kind: str
    message_ids: tuple[str, ...] = ()
    provider_id: str = ""
    address: str = ""
    status: str = ""
    text: str = ""
    url: str = ""
    agent: str = ""
    ip: str = ""
    at: datetime | None = None
    key: str = ""


def read_events(form: str, told: object) -> list[HookEvent]:
    """The events of one call, at most a thousand."""
    if not isinstance(told, Mapping):
        return []
    if form == "resend":
        return [event for event in [_read_resend(told)] if event]
    several = told.get("events")
    rows = several if isinstance(several, Sequence) and not isinstance(several, str) else [told]
    return [event for event in (_read_standard(row) for row in rows[:_MOST]) if event]


def _read_standard(row: object) -> HookEvent | None:
    if not isinstance(row, Mapping) or row.get("type") not in KINDS:
        return None
    told = _mapping(row.get("data"))
    return HookEvent(
        kind=str(row["type"]), message_ids=tuple(filter(None, [_text(told, "message_id", 200)])),
        provider_id=_text(told, "provider_id", 100), address=_text(told, "address", 320),
        status=_text(told, "status", 20), text=_text(told, "body", 50_000) or _text(told, "text", 4_000),
        url=_text(told, "url", 2_000), agent=_text(told, "agent", 300), ip=_text(told, "ip", 60),
        at=_moment(row.get("timestamp")), key=_text(row, "id", 80))


def _read_resend(row: Mapping[str, Any]) -> HookEvent | None:
    kind, told = _RESEND_KINDS.get(str(row.get("type"))), _mapping(row.get("data"))
    if kind is None:
        return None
    visit, bounce = _mapping(told.get("click")) or _mapping(told.get("open")), _mapping(told.get("bounce"))
    to = told.get("to")
    return HookEvent(
        kind=kind,
        message_ids=_header_ids(told.get("headers")) or tuple(filter(None, [_text(told, "message_id", 200)])),
        provider_id=_text(told, "email_id", 100),
        address=str(to[0])[:320] if isinstance(to, list) and to else str(to or "")[:320],
        status=_status_of(bounce), text=_text(bounce, "message", 4_000), url=_text(visit, "link", 2_000),
        agent=_text(visit, "userAgent", 300), ip=_text(visit, "ipAddress", 60),
        at=_moment(visit.get("timestamp") or row.get("created_at")))


def _status_of(bounce: Mapping[str, Any]) -> str:
    """What Resend's words mean as an RFC 3463 code; codes in the server's own text are nearer to the truth."""
    kind, sub = str(bounce.get("type", "")).lower(), str(bounce.get("subType", "")).lower().replace(" ", "")
    if not kind:
        return ""
    if "full" in sub:
        return "5.2.2" if kind == "permanent" else "4.2.2"
    if "large" in sub:
        return "5.3.4"
    if "rejected" in sub:
        return "5.7.1"
    return "5.1.1" if kind == "permanent" and sub in _GONE else "4.0.0"


def _header_ids(headers: object) -> tuple[str, ...]:
    """Our own Message-IDs among the headers that a provider gives back."""
    rows = headers if isinstance(headers, list) else []
    named = {str(row.get("name", "")).lower(): str(row.get("value", ""))[:200]
             for row in rows if isinstance(row, Mapping)}
    return tuple(named[name] for name in ("x-abm-message-id", "message-id") if named.get(name))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(told: Mapping[str, Any], name: str, longest: int) -> str:
    value = told.get(name)
    return value.replace("\x00", "")[:longest] if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    """An ISO 8601 moment or seconds since 1970; None for what is neither."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, tz=UTC)
        found = datetime.fromisoformat(str(value).strip().replace(" ", "T", 1))
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
