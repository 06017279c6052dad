"""Why a person is, or is not, written to now: every rule of the gate with what it says, and what campaigns did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.contacts.models import Contact
from abm.outreach.waiting import Why, explain_messages
from campaigns import gate
from campaigns.gate_rules import decide, explain
from campaigns.models import Campaign, Delivery, Run, Touch
from campaigns.outside import outside
from campaigns.schedule import holiday_name
from campaigns.verdict import Verdict
from campaigns.waits import say_now
from core import clock

# What a person can say that they did by hand, or ask the gate about.
CHANNELS = {"email": "E-mail", "call": "Call", "letter": "Letter", "visit": "Visit"}
_LATEST = 20


@dataclass(frozen=True)
class WhyNot:
    """`rules`: (name, verdict or None); `verdict`: the gate's answer now; `messages`: rows (Delivery, Campaign), and
    `why` by their ids; `local_time`: what the person's clock shows, with a holiday that it is there."""

    verdict: Verdict
    rules: Sequence[tuple[str, Verdict | None]]
    messages: Sequence[Any]
    why: Mapping[int, Why]
    local_time: str


def explain_person(session: Session, *, contact: Contact, channel: str, purpose: str) -> WhyNot:
    """The gate's answer for a touch by hand at this moment, and the latest messages of any campaign with reasons."""
    found, terms = gate.gather_touch(session, account_id=contact.account_id, contact_id=contact.id, channel=channel,
                                     purpose=purpose, at=clock.now())
    messages = session.execute(
        select(Delivery, Campaign).join(Run, Run.id == Delivery.run_id).join(Campaign, Campaign.id == Run.campaign_id)
        .where(Delivery.contact_id == contact.id).order_by(Delivery.id.desc()).limit(_LATEST)).all()
    rules = [(name, verdict) for name, verdict in explain(found, terms) if name in _RULES_BY_HAND]
    return WhyNot(decide(found, terms), rules, messages, explain_messages(session, [row[0] for row in messages]),
                  _say_local_time(session, contact.id))


def _say_local_time(session: Session, contact_id: int) -> str:
    person, at = outside().people.recipients(session, [contact_id]).get(contact_id), clock.now()
    zone = (person.zone or person.account_zone) if person else ""
    if person is None or not zone:
        return ""
    holiday = holiday_name(person.country, at.astimezone(ZoneInfo(zone)).date())
    return f"{say_now(at, zone)} in {zone.replace('_', ' ')}{f', a public holiday ({holiday})' if holiday else ''}"


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
