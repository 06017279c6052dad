"""What people and accounts did since they were enrolled: replied, clicked, ordered, met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.models import Event
from campaigns.outside import outside
from core.id_lists import is_among

# Kinds of events by condition. Clicks of scanners are kept as events and never count.
_EVENT_OF = {"replied": "reply", "clicked": "click"}
MEETING = "meeting"


@dataclass(slots=True)
class Since:
    """A person at an account, with the moment from which what they do counts."""

    contact_id: int
    account_id: int
    since: datetime


def find_fulfilled(session: Session, people: Mapping[int, Since], conditions: Sequence[str]) -> dict[int, str]:
    """By the given key the first condition that is fulfilled. Replies and clicks are the person's own; orders and
    meetings count for everybody at the account."""
    found: dict[int, str] = {}
    for condition in conditions:
        for key in _fulfilled(session, people, condition):
            found.setdefault(key, condition)
    return found


def _fulfilled(session: Session, people: Mapping[int, Since], condition: str) -> list[int]:
    if condition == "ordered":
        earliest: dict[int, datetime] = {}
        for person in people.values():
            earliest[person.account_id] = min(person.since, earliest.get(person.account_id, person.since))
        ordered = outside().people.ordered_since(session, earliest)
        return [key for key, person in people.items() if person.account_id in ordered]
    latest = _latest_events(session, people, condition)
    owner = "account_id" if condition == "met" else "contact_id"
    return [key for key, person in people.items()
            if (at := latest.get(getattr(person, owner))) is not None and at >= person.since]


def _latest_events(session: Session, people: Mapping[int, Since], condition: str) -> dict[int, datetime]:
    owner = Event.account_id if condition == "met" else Event.contact_id
    ids = {person.account_id if condition == "met" else person.contact_id for person in people.values()}
    kind = MEETING if condition == "met" else _EVENT_OF[condition]
    rows = session.execute(
        select(owner.label("owner_id"), Event.at)
        .where(is_among(owner, ids), Event.kind == kind, Event.is_machine.is_(False),
               Event.at >= min(person.since for person in people.values())))
    latest: dict[int, datetime] = {}
    for owner_id, at in rows:
        assert owner_id is not None  # IN leaves no nulls
        latest[owner_id] = max(at, latest.get(owner_id, at))
    return latest
