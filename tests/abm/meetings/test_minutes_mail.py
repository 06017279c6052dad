"""Minutes are mailed to those who took part: once each, as mail of the system, and only where the company wants it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select

from abm.company.actions import set_company_value
from abm.meetings import jobs
from abm.meetings.actions import close_meeting, decide, open_meeting, plan_meeting, save_notes
from abm.meetings.forms import DecisionValues, MeetingValues
from abm.meetings.models import Meeting
from abm.wiring import connect_engine
from core import db
from core.settings import settings
from tests.factories import make_user

FRIDAY = datetime(2026, 6, 12, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _friday(database: Path, at: Callable[..., None]) -> None:
    at(FRIDAY)
    connect_engine()


def closed_meeting() -> int:
    """Ann is there by name, Bob by address, Cleo carries a decision, Dan has nothing to do with it."""
    with db.transaction() as session:
        for name in ("Ann", "Bob", "Cleo", "Dan"):
            make_user(session, role="sales", name=name, email=f"{name.lower()}@example.com")
        cleo = make_user(session, role="marketer", name="Cleo C", email="cleo.c@example.com")
        meeting = plan_meeting(session, values=MeetingValues("Weekly", date(2026, 6, 12)))
        open_meeting(session, meeting_id=meeting.id)
        save_notes(session, meeting_id=meeting.id, notes="Good week", people="ann, bob@example.com, a guest")
        decide(session, meeting=meeting, values=DecisionValues(
            item="", kind="note", text="Ask for the plan", reason="", owner_id=cleo.id, account_id=None,
            campaign_id=None, effective_on=date(2026, 6, 12), review_on=None))
        close_meeting(session, meeting_id=meeting.id)
        session.info.pop("after_commit", None)  # no queue is wanted here
        return meeting.id


def mails() -> dict[str, EmailMessage]:
    read = [message_from_bytes(file.read_bytes(), policy=default) for file in settings().outbox_dir.glob("*.eml")]
    assert len({mail["To"] for mail in read}) == len(read)
    return {str(mail["To"]): mail for mail in read}  # type: ignore[misc]


def test_whoever_was_there_or_carries_a_decision_gets_the_minutes_once() -> None:
    closed_meeting()
    jobs.mail_minutes()
    jobs.mail_minutes()
    found = mails()
    assert set(found) == {"ann@example.com", "bob@example.com", "cleo.c@example.com"}
    mail = found["ann@example.com"]
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Minutes: Weekly, 12 June 2026", "auto-generated")
    assert "Good week" in mail.get_content()
    assert "Ask for the plan" in mail.get_content()


def test_minutes_stay_here_where_the_company_does_not_mail_them() -> None:
    with db.transaction() as session:
        set_company_value(session, name="mails_minutes", value=False)
    closed_meeting()
    jobs.mail_minutes()
    assert mails() == {}


def test_nothing_is_mailed_while_all_sending_rests() -> None:
    closed_meeting()
    with db.transaction() as session:
        set_company_value(session, name="is_sending_paused", value=True)
    jobs.mail_minutes()
    assert mails() == {}
    with db.transaction() as session:
        set_company_value(session, name="is_sending_paused", value=False)
    jobs.mail_minutes()
    assert len(mails()) == 3


def test_what_could_not_leave_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    closed_meeting()
    with monkeypatch.context() as away:
        away.setattr(jobs, "hand_over_alone", lambda *_message: None)
        jobs.mail_minutes()
    with db.reading() as session:
        assert session.scalars(select(Meeting)).one().mailed == []
    jobs.mail_minutes()
    assert len(mails()) == 3


def test_the_page_of_the_minutes_says_who_was_mailed(client_as: Callable[..., object]) -> None:
    meeting_id = closed_meeting()
    jobs.mail_minutes()
    page = client_as("viewer").get(f"/meetings/{meeting_id}/minutes").text  # type: ignore[attr-defined]
    assert "Mailed to Ann, Bob, Cleo C." in page
