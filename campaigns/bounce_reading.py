"""Reading what comes back: delivery reports of every kind, complaints, and which message of ours they speak of."""

import email
import email.parser
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from campaigns.bounce_rules import Refusal, find_status, judge
from campaigns.replies import decode_octets, is_auto_reply, words_of_message

_OURS = ("x-abm-message-id", "message-id")
_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_REPORTED = re.compile(
    rf"^(?:original-rcpt-to|original-recipient|removal-recipient):\s*<?({_ADDRESS})", re.IGNORECASE | re.MULTILINE
)
# RFC 5965 and 6591: somebody takes a complaint back, or a program tells how our mail was authenticated.
_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure"})
_FEEDBACK_TYPE = re.compile(r"^feedback-type:\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_WARNING_ONLY = re.compile(
    r"warning message only|has not yet been delivered|no action is required|do not need to resend|"
    r"delivery attempts will continue|will (?:continue to )?(?:be retried|retry|keep trying)|"
    r"zustellung (?:wurde |ist )?verz[öo]gert|remise (?:diff|retard)[ée]+e",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"^(action|status|final-recipient|original-recipient|diagnostic-code|remote-mta)\s*:\s*(.*)$", re.IGNORECASE
)
_COPY = re.compile(
    r"^\W*(this is a copy of (the|your) message|the header of the original message|"
    r"original message (follows|headers?)|"
    r"returned message|message header(s)? follow|below this line is a copy|unsent message|"
    r"copy of the message|"
    r"the following (was|is) (a copy|the header)|original message|header of (the )?message|"
    r"message text follows|"
    r"returned mail|undelivered message)\b.*$|^Return-Path: <.*>\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_ROBOT = re.compile(
    r"mailer-daemon|postmaster|mail(er)?[-_. ]?(delivery|system|daemon)|mmdf|bounce|"
    r"no-?reply@sns\.amazonaws|"
    r"maildelivery|\bmda\b|<>",
    re.IGNORECASE,
)
_FAILURE_SUBJECT = re.compile(
    r"undeliver|delivery (status|failure|problem|has failed|report)|(mail|"
    r"message) delivery|returned (mail|to "
    r"sender)|failure notice|could ?n.?t be delivered|not delivered|nondeliver|"
    r"non-?deliverable|delivery "
    r"notification|warning: (message|could not)|mail system error|rejected|unzustellbar|"
    r"mail failure|non "
    r"remis|delivery error|dsn",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one recipient. `action`: failed, delayed, delivered, relayed or expanded (RFC 3464)."""

    address: str
    action: str
    refusal: Refusal
    text: str


@dataclass
class Report:
    """A received message, understood. `kind`: bounce, delayed, delivered, complaint, auto_reply or reply."""

    kind: str
    message: Message
    message_ids: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


def read_report(raw: bytes) -> Report:
    """Understand one message file; never raises on malformed mail."""
    try:
        return _read(email.message_from_bytes(raw, policy=email.policy.compat32))
    except RecursionError:  # thousands of parts within each other: nobody's mail, and nothing to learn from it
        return Report("auto_reply", email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(raw))


def _read(message: Message) -> Report:
    ids = list(dict.fromkeys(_message_ids(message)))
    body = words_of_message(message)
    notice = _cloud_notice(body)
    if notice is not None:
        return _read_notice(message, notice, ids)
    if _is_feedback(message):
        kind = "complaint" if _feedback_type(message) not in _NO_COMPLAINTS else "auto_reply"
        return Report(kind, message, ids, addresses=_complained_about(message))
    outcomes = list(_outcomes(message, body))
    if outcomes:
        return Report(_kind_of(outcomes), message, ids, outcomes, [outcome.address for outcome in outcomes])
    sender = email.utils.parseaddr(_header(message, "From"))[1]
    kind = "auto_reply" if is_auto_reply(message) else "reply"
    return Report(kind, message, _answered_ids(message), addresses=[sender] if sender else [])


def _header(message: Message, name: str) -> str:
    return str(message.get(name) or "")


def _kind_of(outcomes: list[Outcome]) -> str:
    actions = {outcome.action for outcome in outcomes}
    if "failed" in actions:
        return "bounce"
    return "delayed" if "delayed" in actions else "delivered"


def _message_ids(message: Message) -> Iterator[str]:
    """Message-IDs of the returned original, our own header first; then what is quoted in the text."""
    for name in _OURS:
        for part in message.walk():
            if part is not message and part.get(name):
                yield from re.findall(r"<[^<>\s]+>", _header(part, name))
    for part in message.walk():
        if part.get_content_maintype() == "text" and not part.is_multipart():
            text = _decoded(part)
            for name in _OURS:
                yield from re.findall(rf"^{name}:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    yield from _answered_ids(message)


def _answered_ids(message: Message) -> list[str]:
    named = _header(message, "In-Reply-To") + " " + " ".join(reversed(_header(message, "References").split()))
    return re.findall(r"<[^<>\s]+>", named)


def _decoded(part: Message) -> str:
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return str(part.get_payload())
    return decode_octets(part, octets)


def _feedback_type(message: Message) -> str:
    """What the report says it is; `abuse` where it does not say."""
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            found = _FEEDBACK_TYPE.search("\n".join(map(str, part.walk())))
            return found[1].lower() if found else "abuse"
    return "abuse"


def _is_feedback(message: Message) -> bool:
    """ARF (RFC 5965), also from senders that forget to say so in the outer type."""
    if str(message.get_param("report-type") or "").lower() == "feedback-report":
        return True
    return any(part.get_content_type() == "message/feedback-report" for part in message.walk())


def _complained_about(message: Message) -> list[str]:
    found: list[str] = []
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            found += _REPORTED.findall("\n".join(map(str, part.walk())))
        if part is not message and part.get("Subject") is not None:
            found.append(email.utils.parseaddr(_header(part, "To"))[1])
    return [address for address in dict.fromkeys(found) if address and "redacted" not in address]


def _cloud_notice(body: str) -> dict[str, object] | None:
    """The JSON that a cloud relay mails about a delivery, a bounce or a complaint."""
    found = re.search(r'\{\s*"(?:notificationType|eventType)".*\}', body.replace("\n", ""), re.DOTALL)
    if not found:
        return None
    try:
        notice, _end = json.JSONDecoder().raw_decode(found[0])
    except ValueError:
        named = re.search(r'Type"\s*:\s*"(\w+)"', found[0])
        return {"notificationType": named[1] if named else ""}
    return notice if isinstance(notice, dict) else None


def _read_notice(message: Message, notice: dict[str, object], ids: list[str]) -> Report:
    kind = str(notice.get("notificationType") or notice.get("eventType") or "").lower()
    text = json.dumps(notice)
    ids = ids + re.findall(r'"(?:X-ABM-)?Message-ID", "value": "(<[^<>"\s]+>)"', text, re.IGNORECASE)
    part = notice.get(kind)
    addresses = [str(address) for address in re.findall(rf'"emailAddress": "<?({_ADDRESS})', json.dumps(part))]
    if kind == "complaint":
        return Report("complaint", message, ids, addresses=addresses)
    if kind == "delivery":
        return Report("delivered", message, ids, addresses=addresses or re.findall(_ADDRESS, json.dumps(part))[:1])
    diagnosis = " ".join(re.findall(r'"diagnosticCode": "([^"]*)"', text))
    outcomes = [
        Outcome(address, "failed", judge(text=diagnosis, status=find_status(text)), diagnosis) for address in addresses
    ]
    return Report("bounce", message, ids, outcomes, addresses)


def _outcomes(message: Message, body: str) -> Iterator[Outcome]:
    """Per recipient: the machine-readable report, else what the text says, else what flufl.bounce recognises."""
    told = _COPY.split(body)[0] if _COPY.search(body) else body
    fields = [
        block
        for part in message.walk()
        if part.get_content_type() in _STATUS_TYPES
        for block in _blocks_of(part)
    ]
    fields = [
        block for block in fields if "final-recipient" in block or "original-recipient" in block or "action" in block
    ]
    fields = fields or ([] if _is_answer(message) else _fields_in_text(told))
    if fields:
        yield from (_outcome_of_fields(block, told) for block in fields)
    elif _is_failure_notice(message):
        yield _outcome_of_text(message, body)


def _blocks_of(part: Message) -> list[dict[str, str]]:
    """The groups of fields of a report, also where a mailer put it into base64, which RFC 3464 forbids."""
    payload = part.get_payload()
    blocks = [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    if str(part.get("Content-Transfer-Encoding") or "").strip().lower() in ("base64", "quoted-printable"):
        blocks = _decoded_blocks(part, blocks) or blocks
    elif part.get_content_type() != "message/delivery-status":
        blocks = [inner for block in blocks for inner in (block, *_groups(str(block.get_payload() or "")))]
    return [{name.lower(): re.sub(r"\s+", " ", str(value)) for name, value in block.items()} for block in blocks]


def _decoded_blocks(part: Message, blocks: list[Message]) -> list[Message]:
    holder = email.message.Message()
    holder["Content-Transfer-Encoding"] = str(part["Content-Transfer-Encoding"]).strip()
    holder.set_payload("\n".join(block.as_string() for block in blocks))
    octets = holder.get_payload(decode=True)
    return _groups(octets.decode("utf-8", "replace")) if isinstance(octets, bytes) else []


def _groups(text: str) -> list[Message]:
    parts = re.split(r"\r?\n\s*\r?\n", text.strip())
    return [email.message_from_string(group.strip() + "\n\n") for group in parts if ":" in group]


def _is_answer(message: Message) -> bool:
    """Whether a person answers with it: what stands in its text is told, not reported."""
    return bool(message.get("In-Reply-To")) and not _ROBOT.search(_header(message, "From"))


def _fields_in_text(text: str) -> list[dict[str, str]]:
    """A delivery report that somebody pasted into a text part."""
    blocks: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        found = _FIELD.match(line.strip())
        if not found:
            continue
        name = found[1].lower()
        if name in blocks[-1]:
            blocks.append({})
        blocks[-1][name] = found[2].strip()
    return [block for block in blocks if {"final-recipient", "action"} <= set(block)]


def _outcome_of_fields(block: dict[str, str], told: str) -> Outcome:
    recipient = block.get("final-recipient") or block.get("original-recipient") or ""
    address = (re.findall(_ADDRESS, recipient) or [recipient.partition(";")[2].strip()])[0]
    action = (block.get("action") or "failed").split()[0].strip(";").lower()
    diagnosis = block.get("diagnostic-code", "")
    if not diagnosis or not re.search(r"[a-z]{3}", diagnosis.partition(";")[2] or diagnosis, re.IGNORECASE):
        diagnosis = f"{diagnosis} {told[-2000:]}"
    return Outcome(address, action, _judged(diagnosis, find_status(block.get("status", "")), told), diagnosis.strip())


def _judged(diagnosis: str, status: str, told: str) -> Refusal:
    """The diagnosis decides; where it says nothing, the words around it."""
    refusal = judge(text=diagnosis, status=status)
    if refusal.reason == "undefined" and told.strip():
        return judge(text=told[-3000:], status=refusal.status or status)
    return refusal


def _is_failure_notice(message: Message) -> bool:
    if str(message.get_param("report-type") or "").lower() == "delivery-status" or message.get("X-Failed-Recipients"):
        return True
    sender = _header(message, "From") + _header(message, "Return-Path")
    is_report = message.get_content_type() == "multipart/report"
    return is_report or bool(
        _ROBOT.search(sender)
        and (_FAILURE_SUBJECT.search(_header(message, "Subject")) or not message.get("In-Reply-To"))
    )


def _outcome_of_text(message: Message, body: str) -> Outcome:
    said = _COPY.split(body)[0]
    named = [
        address
        for address in re.findall(_ADDRESS, _header(message, "X-Failed-Recipients") or said)
        if not _ROBOT.search(address)
    ]
    address = named[0] if named else _recognised(message)
    refusal = judge(text=_transcript(said))
    action = "delayed" if _WARNING_ONLY.search(said) else "failed"
    return Outcome(address, action, refusal, _transcript(said)[:500])


def _transcript(said: str) -> str:
    """The lines from the first one that reads like a server's answer; all of it where there is none."""
    lines = said.strip().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\W*(?:SMTP error|\d{3}[ -]|.{0,60}(said|response|reason)\b)", line):
            return "\n".join(lines[number:])
    return said.strip()


def _recognised(message: Message) -> str:
    from flufl.bounce import all_failures

    _temporary, permanent = all_failures(message)
    found = [text for item in permanent if re.fullmatch(_ADDRESS, text := item.decode("ascii", "replace"))]
    return found[0] if found else ""
