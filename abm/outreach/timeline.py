"""Messages that left the house, on the account's timeline. Calls and visits write lines of their own when done."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.timeline import Line, TimelineFilter, register_timeline
from abm.contacts.models import Contact
from campaigns.models import Campaign, Delivery, Run

KIND = "message"
_WITH_OWN_LINES = ("call", "visit")


def read_messages(session: Session, account_id: int, chosen: TimelineFilter, limit: int) -> Sequence[Line]:
    """The newest of the account's messages that fit; campaigns send them, none of us by name."""
    if chosen.actor:
        return []
    own = Delivery.__table__.c
    query = (
        select(Delivery, Campaign.id, Campaign.title, Contact.first_name, Contact.last_name)
        .join(Run, Run.id == Delivery.run_id).join(Campaign, Campaign.id == Run.campaign_id)
        .outerjoin(Contact, Contact.id == Delivery.contact_id)
        .where(own.account_id == account_id, own.sent_at.is_not(None), own.channel.not_in(_WITH_OWN_LINES),
               *chosen.within(own.sent_at, own.id, KIND)))
    if chosen.contact_id is not None:
        query = query.where(own.contact_id == chosen.contact_id)
    rows = session.execute(query.order_by(Delivery.sent_at.desc(), Delivery.id.desc()).limit(limit))
    return [_line(*row) for row in rows]


def _line(delivery: Delivery, campaign_id: int, title: str, *names: str | None) -> Line:
    who: Any = " ".join(filter(None, names)) or "somebody"
    assert delivery.sent_at is not None
    return Line(delivery.sent_at, KIND, f"{title}, {delivery.step} to {who}", delivery.id, source=KIND,
                link=f"/campaigns/{campaign_id}/messages/{delivery.id}")


def add_timeline() -> None:
    """Put sent messages among the lines."""
    register_timeline(KIND, read_messages)
