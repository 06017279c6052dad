"""Answers of people on their account: a line of its timeline, and the list on its outreach page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.contacts.models import Contact
from abm.contacts.names import full_name
from campaigns.models import Campaign, Delivery, Event, Run
from campaigns.outside import Answer

SHOWN = 10
TIMELINE_KIND = "reply"


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """Something a person wrote back, threaded to the message it answers."""

    at: datetime
    name: str
    text: str
    campaign_id: int
    campaign_title: str
    delivery_id: int
    step: str


def show_answer(session: Session, answer: Answer) -> None:
    """A line on the account's timeline that opens the message it answers."""
    contact = session.get(Contact, answer.contact_id)
    who = (full_name(contact.first_name, contact.last_name) if contact else "") or "Somebody"
    add_account_event(
        session, account_id=answer.account_id, contact_id=answer.contact_id, kind=TIMELINE_KIND, at=answer.at,
        title=f"{who} answered {answer.campaign_title}, {answer.step}", text=answer.text,
        link=f"/campaigns/{answer.campaign_id}/messages/{answer.delivery_id}")


def list_answers(session: Session, account_id: int) -> Sequence[ShownAnswer]:
    """The newest answers of people at the account, the newest first; what machines wrote is not among them."""
    rows = session.execute(
        select(Event.at, Event.text, Contact.first_name, Contact.last_name, Campaign.id.label("campaign_id"),
               Campaign.title, Delivery.id.label("delivery_id"), Delivery.step)
        .join(Delivery, Delivery.id == Event.delivery_id).join(Run, Run.id == Delivery.run_id)
        .join(Campaign, Campaign.id == Run.campaign_id).outerjoin(Contact, Contact.id == Event.contact_id)
        .where(Event.account_id == account_id, Event.kind == "reply")
        .order_by(Event.at.desc(), Event.id.desc()).limit(SHOWN))
    return [ShownAnswer(row.at, full_name(row.first_name, row.last_name) or "Somebody", row.text or "",
                        row.campaign_id, row.title, row.delivery_id, row.step) for row in rows]
