"""Meetings as a calendar that other programs subscribe to: a private address for each colleague, without signing in."""

from collections.abc import Sequence
from datetime import timedelta

from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from abm.meetings.models import Meeting
from abm.users.models import User
from abm.web.permissions import Permission, may
from core.signing import read_id, sign_id

PURPOSE = "calendar"


def token_of(user_id: int) -> str:
    return sign_id(PURPOSE, user_id)


def find_subscriber(session: Session, token: str) -> User | None:
    """Who subscribed; None for a token that is not ours and for somebody who may not see meetings any more."""
    user_id = read_id(PURPOSE, token)
    user = session.get(User, user_id) if user_id is not None else None
    return user if user is not None and user.is_active and may(user.role, Permission.SEE) else None


def write_calendar(meetings: Sequence[Meeting], *, base_url: str) -> bytes:
    """Meetings as whole days, each with its page; of closed ones the minutes are one click away. No names are in it."""
    calendar = Calendar()
    calendar.add("prodid", "-//ABM orchestrator//meetings//EN")
    calendar.add("version", "2.0")
    for meeting in meetings:
        entry = Event()
        page = f"{base_url}/meetings/{meeting.id}{'/minutes' if meeting.state == 'closed' else ''}"
        entry.add("uid", f"meeting-{meeting.id}@{base_url.split('//')[-1]}")
        entry.add("dtstamp", meeting.closed_at or meeting.created_at)
        entry.add("dtstart", meeting.held_on)
        entry.add("dtend", meeting.held_on + timedelta(days=1))
        entry.add("summary", meeting.title)
        entry.add("url", page)
        entry.add("description", f"{'Minutes' if meeting.state == 'closed' else 'Agenda'}: {page}")
        calendar.add_component(entry)
    return bytes(calendar.to_ical())
