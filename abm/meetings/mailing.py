"""The minutes go to whoever took part: claimed one by one in the meeting's own row, so that nobody gets them twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from abm.meetings.models import Decision, Meeting
from abm.users.models import User
from abm.users.notices import make_notice
from abm.web.permissions import Role
from campaigns.channels.base import Outgoing
from campaigns.outside import outside
from campaigns.sending.routes import Route
from core import clock
from core.settings import settings

_KEPT_TRYING = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Minutes that are ready to leave for one person."""

    meeting_id: int
    user_id: int
    message: Outgoing
    route: Route


def list_participants(session: Session, meeting: Meeting) -> Sequence[User]:
    """The active users among those who were there (by name or address), and those who carry a decision."""
    there = [str(name).strip().lower() for name in meeting.people or []]
    carries = select(Decision.owner_id).where(Decision.meeting_id == meeting.id)
    return session.scalars(
        select(User).where(User.is_active, User.role != Role.PARTNER.value, or_(
            func.lower(User.name).in_(there), func.lower(User.email).in_(there), User.id.in_(carries)))
        .order_by(User.name, User.id)).all()


def claim_next(session: Session) -> Mailing | None:
    """The next person who has not had the minutes of a meeting, noted as mailed; None while all sending rests.

    `Meeting.mailed` is nothing where minutes were not to be mailed when it was closed."""
    if outside().company.policy(session).is_sending_paused:
        return None
    meetings = session.scalars(
        select(Meeting).where(Meeting.closed_at > clock.now() - _KEPT_TRYING).order_by(Meeting.id)
        .with_for_update(skip_locked=True)).all()
    for meeting in meetings:
        if meeting.mailed is None:
            continue
        for user in list_participants(session, meeting):
            if user.id not in meeting.mailed:
                meeting.mailed = [*meeting.mailed, user.id]
                message, route = make_notice(session, to=user.email, subject=f"Minutes: {_title(meeting)}",
                                             text=_text(meeting))
                return Mailing(meeting.id, user.id, message, route)
    return None


def take_back(session: Session, mailing: Mailing) -> None:
    """It did not leave: the person is waiting again."""
    meeting = session.get(Meeting, mailing.meeting_id, with_for_update=True)
    if meeting is not None and meeting.mailed is not None:
        meeting.mailed = [one for one in meeting.mailed if one != mailing.user_id]


def _title(meeting: Meeting) -> str:
    return f"{meeting.title}, {meeting.held_on.day} {meeting.held_on:%B %Y}"


def _text(meeting: Meeting) -> str:
    address = f"{settings().base_url}/meetings/{meeting.id}/minutes"
    return f"{meeting.minutes}\n{address}\n\nYou get this because you were there, or carry a decision of it.\n"
