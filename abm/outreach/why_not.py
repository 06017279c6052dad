"""Why a person is, or is not, written to now: every rule of the gate with what it says, and what campaigns did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.contacts.models import Contact
from campaigns import gate
from campaigns.gate_rules import decide, explain
from campaigns.models import Campaign, Delivery, Run, Touch
from campaigns.verdict import Verdict
from core import clock

# What a person can say that they did by hand, or ask the gate about.
CHANNELS = {"email": "E-mail", "call": "Call", "letter": "Letter", "visit": "Visit"}
_LATEST = 20


@dataclass(frozen=True)
class WhyNot:
    """`rules`: (name, verdict or None); `verdict`: the gate's answer now; `messages`: rows (Delivery, Campaign)."""

    verdict: Verdict
    rules: Sequence[tuple[str, Verdict | None]]
    messages: Sequence[Any]


def explain_person(session: Session, *, contact: Contact, channel: str, purpose: str) -> WhyNot:
    """The gate's answer for a touch by hand at this moment, and the latest messages of any campaign with reasons."""
    found, terms = gate.gather_touch(session, account_id=contact.account_id, contact_id=contact.id, channel=channel,
                                     purpose=purpose, at=clock.now())
    messages = session.execute(
        select(Delivery, Campaign).join(Run, Run.id == Delivery.run_id).join(Campaign, Campaign.id == Run.campaign_id)
        .where(Delivery.contact_id == contact.id).order_by(Delivery.id.desc()).limit(_LATEST)).all()
    rules = [(name, verdict) for name, verdict in explain(found, terms) if name in _RULES_BY_HAND]
    return WhyNot(decide(found, terms), rules, messages)


_RULES_BY_HAND = frozenset({
    "Nothing is held against writing to the person", "Nobody is in conversation with the account",
    "The account has touches left", "The person has touches left",
})


def log_touch(session: Session, *, contact: Contact, channel: str, note: str) -> tuple[Touch, Verdict]:
    """Keep a touch that somebody made by hand, with what the gate would have said; it counts from now on."""
    verdict = gate.may_touch(session, account_id=contact.account_id, contact_id=contact.id, channel=channel,
                             purpose="marketing", at=clock.now())
    touch = gate.record_touch(session, account_id=contact.account_id, contact_id=contact.id, channel=channel,
                              at=clock.now(), by_user_id=actor().user_id, note=note)
    add_account_event(session, account_id=contact.account_id, contact_id=contact.id, kind="touch",
                      title=f"{CHANNELS[channel]} by hand", text=note)
    record(session, action="touch.log", subject="contact", subject_id=contact.id,
           after={"channel": channel, "gate": verdict.answer.value, "reason": verdict.reason})
    return touch, verdict
