"""Hand-offs between marketing and sales, the one experiment, and how well the meeting itself works."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.dossier.models import Tender
from abm.engagement.models import Cooling, EngagementEntry, QualificationChange
from abm.meetings.actions import close_meeting, decide, open_meeting, plan_meeting
from abm.meetings.agenda import build_agenda
from abm.meetings.calendar import token_of
from abm.meetings.decisions import DecisionValues
from abm.meetings.forms import MeetingValues
from abm.meetings.hand_offs import list_hand_offs
from abm.meetings.queries import measure_health
from abm.users.models import User
from abm.wiring import connect_engine
from abm.work.models import Task
from campaigns.models import Campaign, ConversationLock, Run, Touch
from core.errors import InvalidInput
from tests.factories import make_account, make_contact, make_user
from tests.outbox_factory import make_run

# A Friday at ten in UTC; the usual hours are those of working days.
FRIDAY = datetime(2026, 6, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    connect_engine()
    at(FRIDAY)


def qualify(session: Session, *, at: datetime = FRIDAY, name: str = "Alfreds") -> Any:
    account = make_account(session, name=name)
    for number, kind in enumerate(("reply", "reply", "click")):
        person = make_contact(session, account, first_name="Jane", last_name=f"No{number}", title="Buyer")
        session.add(EngagementEntry(account_id=account.id, contact_id=person.id, rules_id=0, source="event",
                                    source_id=account.id * 10 + number, kind=kind, points=10 - number * 4, at=at))
    session.add(QualificationChange(account_id=account.id, is_qualified=True, expression={}, at=at))
    session.flush()
    return account


def item(session: Session, key: str) -> dict[str, Any]:
    return next(one for one in build_agenda(session, since=None)["items"] if one["key"] == key)


def number(session: Session, key: str) -> int:
    return next(one["value"] for one in build_agenda(session, since=None)["header"] if one["key"] == key)


def state(session: Session) -> list[str]:
    return [one.state(FRIDAY) for one in list_hand_offs(session, since=FRIDAY - timedelta(days=30))]


def decided(session: Session, kind: str, **values: Any) -> Any:
    meeting = open_meeting(session, meeting_id=plan_meeting(session, values=MeetingValues("W", FRIDAY.date())).id)
    given: dict[str, Any] = {"item": "hand_offs", "kind": kind, "text": "Call and ask for the plan", "reason": "",
                             "owner_id": None, "account_id": None, "campaign_id": None,
                             "effective_on": FRIDAY.date(), "review_on": None}
    return decide(session, meeting=meeting, values=DecisionValues(**{**given, **values}))


def test_a_hand_off_says_when_it_is_due_why_and_who_took_part(session: Session) -> None:
    qualify(session)
    (row,) = item(session, "hand_offs")["rows"]
    assert "Tue 16 Jun 10:00" in row["facts"]
    assert "a reply, 2 times (16 points); a click by a person (2 points)" in row["facts"]
    assert "Jane No0 (Buyer)" in row["facts"]
    assert "0 in all × 1 (new) = 0" in row["facts"]


def test_the_clock_runs_in_working_time_and_says_at_risk_and_broken(session: Session) -> None:
    for name, days in (("new", 0), ("risk", 1), ("late", 9)):
        qualify(session, name=name, at=FRIDAY - timedelta(days=days))
    assert state(session) == ["new", "new", "broken"]
    qualify(session, name="soon", at=datetime(2026, 6, 10, 12, tzinfo=UTC))
    assert state(session) == ["new", "new", "at risk", "broken"]


def test_a_contact_by_a_person_in_time_meets_the_clock_one_by_a_campaign_does_not(session: Session) -> None:
    account = qualify(session, at=FRIDAY - timedelta(days=7))
    session.add(Touch(account_id=account.id, channel="email", points=1, delivery_id=1, at=FRIDAY - timedelta(days=6)))
    session.flush()
    assert state(session) == ["broken"]
    session.add(Touch(account_id=account.id, channel="call", points=2, by_user_id=make_user(session).id,
                      at=FRIDAY - timedelta(days=6)))
    session.flush()
    assert state(session) == ["met"]


def test_the_header_has_the_worth_of_new_tenders_and_complete_buying_centres(session: Session) -> None:
    account = make_account(session, tier="2")
    for role in ("decision_maker", "champion", "influencer", "user"):
        assert number(session, "centres") == 0
        make_contact(session, account, buying_role=role)
    assert number(session, "centres") == 1
    for amount, currency in (("1200.50", None), ("300", "EUR"), ("999", "XXX")):
        session.add(Tender(account_id=account.id, title="T", amount=Decimal(amount), currency=currency,
                           created_at=FRIDAY, updated_at=FRIDAY))
    session.flush()
    assert number(session, "pipeline") == 1500


def test_the_header_counts_qualified_met_and_broken(session: Session) -> None:
    qualify(session, at=FRIDAY - timedelta(days=6))
    qualify(session, name="Bon")
    assert [number(session, key) for key in ("qualified", "sla_met", "sla_broken")] == [2, 0, 1]


def test_accepting_gives_the_account_its_owner_first_step_and_conversation(session: Session) -> None:
    account, owner = qualify(session), make_user(session, role="sales")
    decided(session, "accept_lead", account_id=account.id, owner_id=owner.id, review_on=date(2026, 6, 16))
    task = session.scalars(select(Task)).one()
    assert (task.owner_id, task.due_on, task.account_id) == (owner.id, date(2026, 6, 16), account.id)
    assert session.get_one(ConversationLock, account.id).owner_id == owner.id
    assert account.owner_id == owner.id
    assert item(session, "hand_offs")["total"] == 0


def test_rejecting_needs_its_reason_and_cools_the_account_down(session: Session) -> None:
    account = qualify(session)
    with pytest.raises(InvalidInput, match="not recorded"):
        decided(session, "reject_lead", account_id=account.id)
    session.rollback()


def test_a_rejected_one_is_not_handed_over_again(session: Session) -> None:
    account = qualify(session)
    decided(session, "reject_lead", account_id=account.id, reason="No budget this year")
    assert session.get_one(Cooling, account.id).reason == "No budget this year"
    assert item(session, "hand_offs")["total"] == 0


def test_back_to_nurture_lasts_until_its_day(session: Session) -> None:
    account = qualify(session)
    decided(session, "nurture", account_id=account.id, review_on=date(2026, 9, 1))
    assert session.get_one(Cooling, account.id).until.date() == date(2026, 9, 1)


@pytest.fixture
def trial(session: Session) -> Campaign:
    """A running campaign that leaves every tenth account alone."""
    running = make_run(session)
    session.get_one(Run, running.run_id).holdout_percent = 10
    session.flush()
    return session.get_one(Campaign, running.campaign_id)


def test_the_experiment_says_its_arms_or_why_nothing_can_be_said(session: Session, trial: Campaign) -> None:
    (row,) = item(session, "experiment")["rows"]
    assert "written to 0, left alone 0" in row["facts"]
    assert row["campaign_id"] == trial.id


def test_stopping_the_experiment_stops_its_campaign_at_once(session: Session, trial: Campaign) -> None:
    decided(session, "stop_experiment", item="experiment", campaign_id=trial.id)
    assert trial.state == "cancelled"


def test_an_experiment_is_extended_to_a_day_on_which_it_is_looked_at_again(session: Session, trial: Campaign) -> None:
    with pytest.raises(InvalidInput):
        decided(session, "extend_experiment", item="experiment", campaign_id=trial.id)


def test_the_meetings_health_counts_decisions_and_actions_on_time(session: Session) -> None:
    owner = make_user(session)
    done = decided(session, "task", owner_id=owner.id, review_on=date(2026, 6, 13))
    task = session.get_one(Task, done.task_id)
    task.state, task.done_at = "done", FRIDAY
    close_meeting(session, meeting_id=done.meeting_id)
    late = decided(session, "task", owner_id=owner.id, review_on=date(2026, 6, 12))
    close_meeting(session, meeting_id=late.meeting_id)
    health = measure_health(session, today=date(2026, 6, 15))
    assert (health.meetings, health.decisions, health.on_time, health.late, health.days_late) == (2, 1.0, 0.5, 1, 3.0)


def test_a_calendar_subscribes_by_a_private_address_that_ends_with_its_user(client_as: Any) -> None:
    from core import db

    client = client_as("sales")
    client.post("/meetings", data={"title": "Weekly, sales", "held_on": "2026-06-15"})
    address = f"/meetings/calendar/{token_of(client.user_id)}.ics"
    answer = client_as(None).get(address)
    assert answer.content_type.startswith("text/calendar")
    assert b"DTSTART;VALUE=DATE:20260615" in answer.data
    assert client_as(None).get("/meetings/calendar/nothing.ics").status_code == 404
    with db.transaction() as session:
        session.get_one(User, client.user_id).is_active = False
    assert client_as(None).get(address).status_code == 404
