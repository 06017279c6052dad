"""Received mail applied to the books: bounces, complaints, auto-replies and answers of people (T10, T12).

A message is stored once by its own digest, in any order and number. One that cannot be matched changes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns import consent
from campaigns.bounce_reading import Outcome, Report, read_report
from campaigns.bounce_rules import Blame, Refusal
from campaigns.events import Said, find_delivery_by_message_ids, record_event
from campaigns.keys import address_key
from campaigns.locks import note_answer
from campaigns.models import Campaign, ConversationLock, Delivery, Event, Run
from campaigns.outside import Answer, outside
from campaigns.replies import decoded_header, new_text, words_of_message
from campaigns.states import Reason
from campaigns.stopping import stop_people
from campaigns.tracking import read_envelope_recipient
from core import clock

RECENT = timedelta(days=90)
SOFT_BOUNCES_UNTIL_SUPPRESSION = 4
SOFT_BOUNCES_OVER = timedelta(days=7)
_MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a message was and what it did. `kind`: bounce_hard, bounce_soft, blocked, delayed, delivered, complaint,
    auto_reply, reply; `outcome`: applied, duplicate, or unmatched (nothing of ours is meant; nothing changed)."""

    kind: str
    outcome: str
    address: str = ""
    delivery_id: int | None = None
    status: str = ""
    reason: str = ""
    is_hard: bool = False

    def as_mapping(self) -> dict[str, Any]:
        return asdict(self)


def receive_message(session: Session, raw: bytes) -> Receipt:
    """Understand one message and apply it. Never raises on malformed mail."""
    report = read_report(raw)
    key = hashlib.sha256(raw).hexdigest()[:40]
    delivery = _match(session, report)
    receipt = _describe(report, delivery)
    if delivery is None:
        return receipt
    said = Said(code=receipt.status or None, text=_text_of(report), raw=_raw_of(report, receipt))
    return apply_receipt(session, delivery=delivery, receipt=receipt, event_key=f"mail:{key}", said=said)


def apply_receipt(session: Session, *, delivery: Delivery, receipt: Receipt, event_key: str, said: Said,
                  at: datetime | None = None) -> Receipt:
    """Store what came back under its own key and do what follows from it; a known key changes nothing."""
    if not record_event(session, delivery=delivery, kind=receipt.kind, event_key=event_key, said=said, at=at):
        return _with_outcome(receipt, "duplicate")
    _EFFECTS.get(receipt.kind, _no_effect)(session, delivery, receipt)
    return _with_outcome(receipt, "applied")


def kind_of_refusal(refusal: Refusal) -> str:
    """`blocked` is about us (policy, reputation, content) and never held against the person."""
    if refusal.blame in (Blame.SENDER, Blame.CONTENT):
        return "blocked"
    return "bounce_hard" if refusal.is_hard else "bounce_soft"


def _with_outcome(receipt: Receipt, outcome: str) -> Receipt:
    return Receipt(**{**asdict(receipt), "outcome": outcome})


def _describe(report: Report, delivery: Delivery | None) -> Receipt:
    outcome = _worst(report)
    address = (outcome.address if outcome else "") or (report.addresses[0] if report.addresses else "")
    found = delivery.id if delivery else None
    if outcome is None or report.kind != "bounce":
        refusal = outcome.refusal if outcome and report.kind == "delayed" else None
        return Receipt(
            report.kind,
            "unmatched",
            address,
            found,
            refusal.status if refusal else "",
            refusal.reason if refusal else "",
        )
    refusal = outcome.refusal
    return Receipt(kind_of_refusal(refusal), "unmatched", address, found, refusal.status, refusal.reason,
                   refusal.is_hard)


def _worst(report: Report) -> Outcome | None:
    failed = [outcome for outcome in report.outcomes if outcome.action == "failed"] or report.outcomes
    return next((outcome for outcome in failed if outcome.refusal.is_hard), failed[0] if failed else None)


def _text_of(report: Report) -> str | None:
    if report.kind in ("reply", "auto_reply"):
        return new_text(words_of_message(report.message))[:_MAX_TEXT]
    outcome = _worst(report)
    return outcome.text[:_MAX_TEXT] if outcome else None


def _raw_of(report: Report, receipt: Receipt) -> dict[str, Any]:
    subject = decoded_header(report.message, "Subject")[:300]
    return {"subject": subject, "reason": receipt.reason, "from": decoded_header(report.message, "From")[:300]}


def _match(session: Session, report: Report) -> Delivery | None:
    """By our ids in the message, by the signed address it was sent to, and only without any id by the address meant.

    A report that carries ids which are not ours is about somebody else's mail, or forged.
    """
    if found := find_delivery_by_message_ids(session, report.message_ids):
        return found
    for name in ("Delivered-To", "X-Original-To", "Envelope-To", "To"):
        for header in report.message.get_all(name, []):
            if delivery_id := read_envelope_recipient(str(header)):
                return session.get(Delivery, delivery_id)
    if report.message_ids and report.kind not in ("reply", "auto_reply"):
        return None
    return next((found for address in report.addresses if (found := find_latest_to(session, address))), None)


def find_latest_to(session: Session, address: str) -> Delivery | None:
    """The last message that was sent to an address or to whoever has it, within 90 days."""
    contacts = [contact_id for contact_id, _account in outside().people.contacts_by_address(session, address)]
    whom = Delivery.contact_id.in_(contacts) if contacts else Delivery.address_key == address_key(address)
    return session.scalars(
        select(Delivery)
        .where(whom, Delivery.sent_at >= clock.now() - RECENT)
        .order_by(Delivery.sent_at.desc(), Delivery.id.desc())
        .limit(1)
    ).first()


def _no_effect(_session: Session, _delivery: Delivery, _receipt: Receipt) -> None:
    """Auto-replies, delays and success notices are kept as events and change nothing else; `blocked` is about us."""


def _after_hard_bounce(session: Session, delivery: Delivery, _receipt: Receipt) -> None:
    if delivery.address:
        consent.suppress_address(session, address=delivery.address, reason="hard_bounce", source="bounce")
    stop_people(session, reason=Reason.HARD_BOUNCE, at=clock.now(), contact_ids=[delivery.contact_id])


def _after_soft_bounce(session: Session, delivery: Delivery, receipt: Receipt) -> None:
    """A mailbox that stays full over a week and several messages is left alone."""
    first, count = session.execute(
        select(func.min(Event.at), func.count()).where(
            Event.contact_id == delivery.contact_id,
            Event.kind == "bounce_soft",
            Event.at > _last_success(session, delivery),
        )
    ).one()
    if count >= SOFT_BOUNCES_UNTIL_SUPPRESSION and clock.now() - first >= SOFT_BOUNCES_OVER and delivery.address:
        consent.suppress_address(
            session, address=delivery.address, reason="soft_bounces", source=f"bounce {receipt.reason}"
        )


def _last_success(session: Session, delivery: Delivery) -> datetime:
    found = session.scalar(
        select(func.max(Event.at)).where(
            Event.contact_id == delivery.contact_id,
            Event.kind.in_(("delivered", "reply", "open", "click")),
            Event.is_machine.is_(False),
        )
    )
    return found or clock.now() - timedelta(days=365)


def _after_complaint(session: Session, delivery: Delivery, _receipt: Receipt) -> None:
    consent.suppress_contact(session, contact_id=delivery.contact_id, reason="complaint", source="feedback loop")
    if delivery.address:
        consent.suppress_address(session, address=delivery.address, reason="complaint", source="feedback loop")
    consent.record_consent(
        session,
        contact_id=delivery.contact_id,
        address=delivery.address or "",
        purpose="*",
        kind="objected",
        source="feedback loop",
    )
    stop_people(session, reason=Reason.COMPLAINED, at=clock.now(), contact_ids=[delivery.contact_id])


def _after_reply(session: Session, delivery: Delivery, _receipt: Receipt) -> None:
    stop_people(session, reason=Reason.REPLIED, at=clock.now(), contact_ids=[delivery.contact_id])
    lock = lock_conversation(session, account_id=delivery.account_id, reason="reply")
    if lock is not None and lock.reason == "reply":
        note_answer(session, lock, delivery)
    event = session.scalars(select(Event).where(Event.delivery_id == delivery.id, Event.kind == "reply")
                            .order_by(Event.id.desc()).limit(1)).one()
    campaign = session.scalars(select(Campaign).join(Run, Run.campaign_id == Campaign.id)
                               .where(Run.id == delivery.run_id)).one()
    outside().desk.show_answer(session, Answer(
        delivery.account_id, delivery.contact_id, campaign.id, campaign.title, delivery.id, delivery.step,
        event.text or "", event.at, event.id))


_EFFECTS: Mapping[str, Any] = {
    "bounce_hard": _after_hard_bounce,
    "bounce_soft": _after_soft_bounce,
    "complaint": _after_complaint,
    "reply": _after_reply,
}


def lock_conversation(session: Session, *, account_id: int, reason: str) -> ConversationLock | None:
    """Leave the account to its owner for as many days as the company's rules say; never shortens a lock."""
    days = outside().company.policy(session).lock_days_after_reply
    if days <= 0:
        return None
    until = clock.now() + timedelta(days=days)
    lock = session.get(ConversationLock, account_id)
    if lock is None:
        owner = outside().people.owners(session, [account_id]).get(account_id)
        lock = ConversationLock(account_id=account_id, owner_id=owner, reason=reason, until=until, detail={})
        session.add(lock)
    elif lock.until < until:
        lock.until, lock.reason = until, reason
        lock.owner_id = lock.owner_id or outside().people.owners(session, [account_id]).get(account_id)
    session.flush()
    return lock
