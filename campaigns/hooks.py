"""Events by webhook: the signature over the raw bytes, and what each event does. A repeat changes nothing."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from campaigns.bounce_rules import find_status, judge
from campaigns.events import Said, find_delivery_by_message_ids, keep_link
from campaigns.hook_forms import HookEvent, read_events
from campaigns.models import Attempt, Delivery, EventHook
from campaigns.outside import outside
from campaigns.receipts import RECENT, Receipt, apply_receipt, find_latest_to, kind_of_refusal
from campaigns.replies import new_text
from core import clock
from core.errors import Refused
from core.secrets import decrypt
from core.signing import read_id, sign_id

HOOK = "event-hook"
MAX_BYTES = 1_000_000
_EARLIEST = timedelta(days=60)


class BadSignature(Refused):
    """The call is not the provider's, or too old or new by more than five minutes."""


def hook_token(hook_id: int) -> str:
    return sign_id(HOOK, hook_id)


def find_hook(session: Session, token: str) -> EventHook | None:
    """The hook of an address, None for one that is not ours or is switched off."""
    hook = session.get(EventHook, read_id(HOOK, token) or 0)
    return hook if hook is not None and hook.is_active else None


def verify(hook: EventHook, *, body: bytes, headers: Mapping[str, str]) -> str:
    """The call's id, once its signature over the raw bytes and its moment (±300 s) are right. Raises BadSignature."""
    given = {name.lower().replace("svix-", "webhook-", 1): value for name, value in headers.items()}
    own = {name: given.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    try:
        Webhook(decrypt(hook.secret_sealed)).verify(body, own, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # UnicodeDecodeError and bad base64 are ValueErrors
        raise BadSignature("The signature is not right, or the call is older than five minutes") from error
    return own["webhook-id"]


def receive_call(session: Session, *, hook: EventHook, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
    """What each event of a call was and did. Raises BadSignature, and Refused for what is not JSON."""
    call_id = verify(hook, body=body, headers=headers)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("The body is not JSON") from error
    events = read_events(hook.form, told)
    hook.events, hook.last_at = hook.events + len(events), clock.now()
    return [_receive(session, event, f"hook:{hook.id}:{_digest(event.key or f'{call_id}:{number}')}")
            for number, event in enumerate(events)]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:40]


def _receive(session: Session, event: HookEvent, event_key: str) -> Receipt:
    delivery = _find_delivery(session, event)
    receipt = _describe(event, delivery)
    if delivery is None:
        return receipt
    said = _said(session, event, delivery, receipt)
    return apply_receipt(session, delivery=delivery, receipt=receipt, event_key=event_key, said=said,
                         at=_believable(event.at, delivery))


def _describe(event: HookEvent, delivery: Delivery | None) -> Receipt:
    found = delivery.id if delivery else None
    if event.kind != "bounce":
        return Receipt(event.kind, "unmatched", event.address, found)
    # Words of a provider's own without any code say less than the class it names.
    text = event.text if find_status(event.text) or not event.status else ""
    refusal = judge(text=text, status=event.status)
    return Receipt(kind_of_refusal(refusal), "unmatched", event.address, found, refusal.status, refusal.reason,
                   refusal.is_hard)


def _said(session: Session, event: HookEvent, delivery: Delivery, receipt: Receipt) -> Said:
    if event.kind not in ("open", "click"):
        text = new_text(event.text)[:4_000] if "reply" in event.kind else event.text
        return Said(code=receipt.status or None, text=text or None, raw={"reason": receipt.reason, "by": "webhook"})
    seconds = ((event.at or clock.now()) - delivery.sent_at).total_seconds() if delivery.sent_at else None
    link_id = keep_link(session, version_id=delivery.version_id, url=event.url) if event.url else None
    rules = outside().company.policy(session).machine_rules
    judges = rules.is_machine_open if event.kind == "open" else rules.is_machine_click
    return Said(raw={"agent": event.agent, "ip": event.ip, "by": "webhook"}, link_id=link_id,
                is_machine=judges(agent=event.agent, seconds_since_sent=seconds, ip=event.ip))


def _believable(at: datetime | None, delivery: Delivery) -> datetime:
    """The provider's moment, where it lies between the hand-over and now."""
    now = clock.now()
    return min(max(at or now, delivery.sent_at or now - _EARLIEST), now)


def _find_delivery(session: Session, event: HookEvent) -> Delivery | None:
    """By our Message-ID; else by the provider's id among the messages of that address; never by an address alone
    where the provider names a message that is not ours."""
    if event.message_ids:
        return find_delivery_by_message_ids(session, event.message_ids)
    if event.provider_id:
        return _by_provider_id(session, event)
    return find_latest_to(session, event.address) if event.address else None


def _by_provider_id(session: Session, event: HookEvent) -> Delivery | None:
    people = [contact_id for contact_id, _account in outside().people.contacts_by_address(session, event.address)]
    return session.scalars(
        select(Delivery).join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(Delivery.contact_id.in_(people), Delivery.sent_at >= clock.now() - RECENT,
               Attempt.text == f"taken as {event.provider_id[:80]}").order_by(Delivery.id.desc()).limit(1)).first()
