"""Planning, opening and closing a meeting."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.company.queries import get_company
from abm.meetings.agenda import build_agenda
from abm.meetings.decisions import KINDS, decide
from abm.meetings.forms import MeetingValues
from abm.meetings.minutes import DecisionLine, write_minutes
from abm.meetings.models import Meeting
from abm.meetings.queries import get_meeting, list_decisions, since_moment
from abm.work.models import Task
from core import clock
from core.errors import Refused
from core.jobs import ring_after_commit

MAIL_MINUTES = "meetings.mail_minutes"
__all__ = ["close_meeting", "decide", "open_meeting", "plan_meeting", "save_notes"]


def plan_meeting(session: Session, *, values: MeetingValues) -> Meeting:
    """A meeting to come; its agenda is live until it opens."""
    meeting = Meeting(title=values.title, held_on=values.held_on, created_by=actor().name, created_at=clock.now())
    session.add(meeting)
    session.flush()
    record(session, action="meeting.plan", subject="meeting", subject_id=meeting.id,
           after={"held_on": values.held_on.isoformat()})
    return meeting


def open_meeting(session: Session, *, meeting_id: int) -> Meeting:
    """Freeze the agenda: from now on the page shows what the data said at this moment. Raises Refused while another
    meeting is open, and for one that was opened already."""
    meeting = get_meeting(session, meeting_id)
    if meeting.state != "planned":
        raise Refused(f"This meeting is {meeting.state} already")
    other = session.scalar(select(Meeting.title).where(Meeting.state == "open"))
    if other is not None:
        raise Refused(f"{other} is still open: close it first, its decisions go into this one's agenda")
    meeting.agenda = build_agenda(session, since=since_moment(session, meeting))
    meeting.state, meeting.frozen_at = "open", clock.now()
    record(session, action="meeting.open", subject="meeting", subject_id=meeting.id)
    return meeting


def save_notes(session: Session, *, meeting_id: int, notes: str, people: str) -> Meeting:
    """Keep the notes and who is there (names parted by commas). Raises Refused once the meeting is closed."""
    meeting = get_meeting(session, meeting_id)
    if meeting.state == "closed":
        raise Refused("The meeting is closed: its minutes stay as they are")
    meeting.notes = notes
    meeting.people = [name.strip() for name in people.split(",") if name.strip()]
    return meeting


def close_meeting(session: Session, *, meeting_id: int) -> Meeting:
    """Write the minutes, which are mailed where the company wants it, and count every action that is still open on to
    the next meeting.

    Raises Refused for a meeting that is not open."""
    meeting = get_meeting(session, meeting_id)
    if meeting.state != "open" or meeting.agenda is None:
        raise Refused("Only an open meeting can be closed")
    lines = [
        DecisionLine(item=decision.item, word=KINDS[decision.kind].word, text=decision.text, reason=decision.reason,
                     account=account.name if account else "", owner=owner.name if owner else "",
                     effective_on=decision.effective_on, review_on=decision.review_on)
        for decision, account, owner, _ in list_decisions(session, meeting.id)
    ]
    meeting.minutes = write_minutes(title=meeting.title, held_on=meeting.held_on, people=meeting.people or [],
                                    agenda=meeting.agenda, decisions=lines, notes=meeting.notes)
    meeting.state, meeting.closed_at = "closed", clock.now()
    if get_company(session).mails_minutes:
        meeting.mailed = []
        ring_after_commit(session, MAIL_MINUTES)
    _carry_over(session, meeting.agenda)
    record(session, action="meeting.close", subject="meeting", subject_id=meeting.id, after={"decisions": len(lines)})
    return meeting


def _carry_over(session: Session, agenda: dict[str, object]) -> None:
    """The due actions of the frozen agenda that are still open: at most SHOWN, so they are walked."""
    items = agenda["items"]
    assert isinstance(items, list)
    ids = [row["task_id"] for item in items if item["key"] == "actions" for row in item["rows"]]
    for task in session.scalars(select(Task).where(Task.id.in_(ids), Task.state == "open")):
        task.extra = {**(task.extra or {}), "carried": int((task.extra or {}).get("carried", 0)) + 1}
