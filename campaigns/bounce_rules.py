"""What a refusal means: is the address dead, is it full, or is it about us? Pure rules on code and text.

Status codes are those of RFC 3463, reply codes those of RFC 5321 and 7504. Reasons have the names that the field's
bounce parsers use. A refusal that blames us (policy, reputation, content) is never held against the person.
"""

import re
from dataclasses import dataclass

from campaigns.bounce_reasons import BY_STATUS, BY_TEXT, Blame

_STATUS = re.compile(r"(?<![\d.\[])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?:^|[\s;<(:'\"])([245][0-5]\d)(?=[\s\-;:,]|$)")
_AT_RECIPIENT = re.compile(r"(after|reply to|>>>|command:?)\s*rcpt|does not like recipient", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`is_hard`: the address does not exist and will not; `status` and `reply` as given by the innermost server."""

    reason: str
    blame: Blame
    is_hard: bool
    status: str = ""
    reply: str = ""


_TEXT_RULES = tuple((reason, blame, re.compile(pattern, re.IGNORECASE)) for reason, blame, pattern in BY_TEXT)
_BLAMES = {reason: blame for reason, blame, _pattern in BY_TEXT} | {
    "filtered": Blame.MAILBOX,
    "undefined": Blame.NETWORK,
}

_STATUS_RULES = tuple((re.compile(pattern), reason) for pattern, reason in BY_STATUS)

_DEAD = frozenset({"userunknown", "hostunknown", "hasmoved", "notaccept"})
_DEAD_STATUS = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1|4\.(4|310))$")
_POLICY_STATUS = re.compile(r"[45]\.7\.\d+$")
_STATUS_DECIDES = re.compile(r"5\.(2\.[2-9]|3\.\d+|5\.\d+|6\.\d+|7\.\d+)$")


def find_status(text: str) -> str:
    """The last enhanced status code in a text: the innermost server's own word. Empty when there is none."""
    found = _STATUS.findall(text)
    return found[-1] if found else ""


def find_reply(text: str) -> str:
    """The last SMTP reply code in a text, empty when there is none."""
    found = _REPLY.findall(text)
    return found[-1] if found else ""


def judge(*, text: str, status: str = "") -> Refusal:
    """What a refusal means. `status` is what the report itself says; codes inside `text` are nearer to the truth."""
    inner = find_status(text)
    known = inner if inner and not inner.endswith(".0.0") else (status or inner)
    reply = find_reply(text)
    by_text, by_status = _reason_of_text(text), _reason_of_status(known)
    reason = _choose(by_text, by_status, known)
    if reason == "userunknown" and by_status != "userunknown" and not _is_final_word(text, known, reply):
        reason = "filtered"
    return Refusal(reason, _blame_of(reason, known), _is_hard(reason, known, reply), known, reply)


def _reason_of_text(text: str) -> str:
    flat = re.sub(r"\s+", " ", re.sub(r"https?://\S+|<[^<>\s]+@[^<>\s]+>|\S+@\S+", " ", text))
    return next((reason for reason, _blame, pattern in _TEXT_RULES if pattern.search(flat)), "")


def _reason_of_status(status: str) -> str:
    return next((reason for pattern, reason in _STATUS_RULES if pattern.search(status)), "")


def _choose(by_text: str, by_status: str, status: str) -> str:
    """The text is more exact, except that it may not call an address dead that the code does not."""
    if by_text in _DEAD and by_text != by_status and _STATUS_DECIDES.match(status):
        return "filtered" if by_status in ("", "systemerror", "filtered") else by_status
    return by_text or by_status or "undefined"


def _is_final_word(text: str, status: str, reply: str) -> bool:
    """Whether "user unknown" in plain words comes from who must know: the host itself, or its answer to RCPT."""
    return (
        bool(_AT_RECIPIENT.search(text)) or not reply or bool(_DEAD_STATUS.match(status)) or status.startswith("5.4.1")
    )


def _blame_of(reason: str, status: str) -> Blame:
    """Class 7 of RFC 3463 is policy and permission: about us or our message, whatever the words around it say."""
    blame = _BLAMES[reason]
    return Blame.SENDER if _POLICY_STATUS.match(status) and blame is not Blame.CONTENT else blame


def _is_hard(reason: str, status: str, reply: str) -> bool:
    if status.startswith("4") or (reply.startswith("4") and not status.startswith("5")):
        return False
    if reason == "suspend":
        return status == "5.2.1"
    return reason in _DEAD
