"""Mail providers over HTTP: what is asked of them and what their answers mean. No sockets here.

Two ways of asking. *json*: one object with the whole message, for a gateway of one's own. *resend*: as that provider's
public documentation describes `POST /emails`. Both carry an Idempotency-Key, so that asking again is safe.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from campaigns.channels.base import Outgoing
from core.signing import keyed_digest

MOST_BYTES = 64 * 1024
_KEPT_HEADERS = ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Message-ID", "X-ABM-Message-ID",
                 "In-Reply-To", "References", "Precedence", "Auto-Submitted")


class Meaning(StrEnum):
    """ASK_AGAIN: nobody knows yet, and the same key makes another try safe. NOT_NOW: not taken, later perhaps."""

    TAKEN = "taken"
    ASK_AGAIN = "ask again"
    NOT_NOW = "not now"
    REFUSED = "refused"
    NO_ACCESS = "no access"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's answer, with its words for people and the seconds it asks to wait for."""

    meaning: Meaning
    code: int
    text: str
    wait: float = 0.0


def idempotency_key(delivery_id: int) -> str:
    """The same for every try of a delivery; a resend by a person is another delivery."""
    return f"abm-{keyed_digest('idempotency', str(delivery_id))}"


def target_of(kind: str, base_url: str) -> str:
    """The path to POST to."""
    path = urlsplit(base_url).path.rstrip("/")
    return f"{path}/emails" if kind == "resend" and not path.endswith("/emails") else path or "/"


def body_of(kind: str, message: Outgoing) -> bytes:
    """The request's body: the same bytes for the same message."""
    asked = _as_fields(message) if kind == "resend" else {
        "id": idempotency_key(message.delivery_id), "envelope_from": message.envelope_from,
        "envelope_to": message.envelope_to, "message": b64encode(message.wire).decode()}
    return json.dumps(asked, sort_keys=True).encode()


def _as_fields(message: Outgoing) -> dict[str, Any]:
    parsed = message_from_bytes(message.wire, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    fields: dict[str, Any] = {"from": str(parsed["From"]), "to": [message.envelope_to],
                              "subject": str(parsed["Subject"] or "")}
    for name, wanted in (("text", "plain"), ("html", "html")):
        part = parsed.get_body(preferencelist=(wanted,))
        if part is not None:
            fields[name] = part.get_content()
    if parsed["Reply-To"]:
        fields["reply_to"] = [str(parsed["Reply-To"])]
    fields["headers"] = {name: str(parsed[name]) for name in _KEPT_HEADERS if parsed[name]}
    return fields


def judge(status: int, headers: Mapping[str, str], body: bytes) -> Answered:
    """What an answer means. Only a success that names an id proves that the message was taken."""
    told = _read_object(headers, body)
    words = str(told.get("message") or told.get("error") or "")[:300] if told else ""
    name = str(told.get("name") or "") if told else ""
    if 200 <= status < 300:
        if told and told.get("id"):
            return Answered(Meaning.TAKEN, status, f"taken as {str(told['id'])[:80]}")
        return Answered(Meaning.ASK_AGAIN, status, "the answer is not the provider's: it names no id")
    if status == 429 or (status == 503 and "retry-after" in headers):
        return Answered(Meaning.NOT_NOW if status == 429 else Meaning.ASK_AGAIN, status, words or "too many requests",
                        _seconds(headers.get("retry-after", "")))
    if status == 409:
        is_other = name == "invalid_idempotent_request"
        return Answered(Meaning.DOUBT if is_other else Meaning.ASK_AGAIN, status, words or "asked before")
    if status >= 500 or status == 408:
        return Answered(Meaning.ASK_AGAIN, status, words or "the provider failed")
    if status in (401, 403):
        return Answered(Meaning.NO_ACCESS, status, words or "the key is not accepted")
    if status < 400 or status in (404, 405):
        return Answered(Meaning.NO_ACCESS, status, words or "this address takes no messages")
    return Answered(Meaning.REFUSED, status, words or "the message is not accepted")


def _read_object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; empty for anything else, and for what unpacks to more than is sensible."""
    if headers.get("content-encoding", "").lower() in ("gzip", "deflate"):
        unpacking = zlib.decompressobj(wbits=47)
        try:
            body = unpacking.decompress(body, MOST_BYTES)
        except zlib.error:
            return {}
        if unpacking.unconsumed_tail:
            return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(written: str) -> float:
    """Retry-After in seconds; a date or nonsense counts as a minute."""
    return min(float(written), 86_400.0) if written.isascii() and written.isdigit() else 60.0
