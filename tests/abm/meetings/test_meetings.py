"""The weekly meeting: agenda from the data, frozen; decisions that act at once; minutes that stay."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.analysis.models import AccountResult, AnalysisRun
from abm.meetings.actions import close_meeting, decide, open_meeting, plan_meeting
from abm.meetings.agenda import arrange, build_agenda, find_moves, next_meeting_day, with_last_values
from abm.meetings.decisions import KINDS, DecisionValues
from abm.meetings.forms import MeetingValues
from abm.meetings.models import Meeting
from abm.winback.detection import detect_lapses
from abm.winback.models import Case
from abm.wiring import connect_engine
from abm.work.models import Task
from campaigns.models import Campaign, ConversationLock, Delivery, Event, Run
from core import clock
from core.errors import InvalidInput, Refused
from tests.factories import make_account, make_order, make_user

FRIDAY = datetime(2026, 6, 12, 10, tzinfo=UTC)
TODAY = FRIDAY.date()


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    connect_engine()
    at(FRIDAY)


def _rows(agenda: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return next(item["rows"] for item in agenda["items"] if item["key"] == key)


def _lapse(session: Session, name: str = "Alfreds") -> Account:
    account = make_account(session, name=name)
    for day in (0, 10, 20):
        make_order(session, account, on=date(2026, 4, 1) + timedelta(days=day), amount="500")
    detect_lapses(session, as_of=TODAY)
    return account


def _open(session: Session) -> Meeting:
    meeting = plan_meeting(session, values=MeetingValues("Weekly", TODAY))
    return open_meeting(session, meeting_id=meeting.id)


def _decide(session: Session, meeting: Meeting, kind: str, **values: Any) -> Any:
    given: dict[str, Any] = {"item": "lapsed", "kind": kind, "text": "Go and see them", "reason": "", "owner_id": None,
                             "account_id": None, "campaign_id": None, "effective_on": TODAY, "review_on": None}
    return decide(session, meeting=meeting, values=DecisionValues(**{**given, **values}))


def test_the_agenda_lists_newly_silent_accounts_with_their_worth(session: Session) -> None:
    _lapse(session)
    row = _rows(build_agenda(session, since=None), "lapsed")[0]
    assert (row["title"], row["value"]) == ("Alfreds", 1500.0)
    assert row["facts"].startswith("1,500 a year · 5.2 times its usual gap · last order 2026-04-21")


def test_late_and_due_actions_are_listed_and_later_ones_are_not(session: Session) -> None:
    for days, title in ((-3, "late"), (0, "due"), (1, "later")):
        session.add(Task(title=title, due_on=TODAY + timedelta(days=days), created_at=clock.now()))
    session.flush()
    agenda = build_agenda(session, since=None)
    assert [(row["title"], row["facts"]) for row in _rows(agenda, "actions")] == [
        ("late", "nobody · 3 days late"), ("due", "nobody · due today")]
    assert [row["title"] for row in _rows(agenda, "tasks")] == ["later"]


def test_orders_of_class_a_accounts_since_the_last_meeting_are_listed(session: Session) -> None:
    key, other = make_account(session, name="Key"), make_account(session, name="Other")
    run = AnalysisRun(state="done", period="month", value_kind="revenue", totals={}, started_at=FRIDAY,
                      finished_at=FRIDAY)
    session.add(run)
    session.flush()
    for account, abc in ((key, "A"), (other, "B")):
        session.add(AccountResult(run_id=run.id, account_id=account.id, orders=1, value=1.0, abc=abc, order_days=1,
                                  rhythm="unknown"))
        make_order(session, account, on=TODAY - timedelta(days=2), amount="700")
        make_order(session, account, on=TODAY - timedelta(days=20), amount="9000")
    rows = _rows(build_agenda(session, since=None), "key_orders")
    assert [(row["title"], row["facts"]) for row in rows] == [("Key", "1 order · 700 EUR")]


def test_replies_and_bounces_of_people_count_and_machines_do_not(session: Session) -> None:
    account = make_account(session, name="Alfreds")
    for number, (kind, is_machine, at) in enumerate((
            ("reply", False, FRIDAY), ("reply", True, FRIDAY), ("bounce_hard", False, FRIDAY),
            ("reply", False, FRIDAY - timedelta(days=30)))):
        session.add(Event(event_key=str(number), account_id=account.id, kind=kind, is_machine=is_machine, at=at))
    session.flush()
    agenda = build_agenda(session, since=FRIDAY - timedelta(days=7))
    assert [row["facts"] for row in _rows(agenda, "replies")] == ["reply"]
    assert [row["facts"] for row in _rows(agenda, "bounces")] == ["bounce hard"]


def test_an_item_shows_seven_rows_and_counts_them_all(session: Session) -> None:
    session.add_all(Task(title=f"Task {n}", due_on=TODAY, created_at=clock.now()) for n in range(9))
    session.flush()
    item = build_agenda(session, since=None)["items"][0]
    assert (len(item["rows"]), item["total"]) == (7, 9)


def test_the_agenda_stays_as_it_was_opened_and_the_switch_shows_what_moved(session: Session) -> None:
    meeting = _open(session)
    assert meeting.agenda is not None
    _lapse(session)
    assert _rows(meeting.agenda, "lapsed") == []
    moves = find_moves(meeting.agenda, build_agenda(session, since=None))
    assert [row["title"] for row in moves["lapsed"]["come"]] == ["Alfreds"]


def test_the_header_has_last_meetings_value_beside_each_number(session: Session) -> None:
    close_meeting(session, meeting_id=_open(session).id)
    last = session.scalars(select(Meeting)).one()
    _lapse(session)
    numbers = {number["key"]: number for number in with_last_values(build_agenda(session, since=None), last.agenda)}
    assert (numbers["open_cases"]["value"], numbers["open_cases"]["last"]) == (1, 0)
    assert (numbers["at_risk"]["value"], numbers["at_risk"]["last"]) == (1500, 0)


def test_six_numbers_lead_and_no_other_is_lost(session: Session) -> None:
    header = build_agenda(session, since=None)["header"]
    leading, subjects = arrange(header)
    shown = [number["key"] for number in [*leading, *(one for _title, numbers in subjects for one in numbers)]]
    assert len(leading) == 6
    assert sorted(shown) == sorted(number["key"] for number in header)
    assert "Besides" not in dict(subjects)


def test_only_one_meeting_is_open_at_a_time(session: Session) -> None:
    _open(session)
    with pytest.raises(Refused, match="Weekly is still open"):
        _open(session)


def test_a_decision_makes_a_task_for_its_owner(session: Session) -> None:
    owner, account = make_user(session), make_account(session)
    decision = _decide(session, _open(session), "task", owner_id=owner.id, account_id=account.id,
                       review_on=TODAY + timedelta(days=3))
    task = session.get_one(Task, decision.task_id)
    assert (task.title, task.owner_id, task.due_on, task.origin) == (
        "Go and see them", owner.id, TODAY + timedelta(days=3), "meeting")


def test_a_decision_stands_on_the_accounts_timeline(session: Session) -> None:
    account = make_account(session)
    _decide(session, _open(session), "note", account_id=account.id)
    assert session.scalars(select(AccountEvent.title).where(AccountEvent.kind == "decision")).one() == (
        "Decided: only noted. Go and see them")


def test_a_decision_opens_a_win_back_case_and_lets_one_go(session: Session) -> None:
    account, meeting = make_account(session), _open(session)
    make_order(session, account, on=date(2026, 6, 1), amount="80")
    _decide(session, meeting, "open_case", account_id=account.id)
    case = session.scalars(select(Case)).one()
    assert (case.state, case.yearly_value) == ("open", 80.0)
    _decide(session, meeting, "let_go", account_id=account.id, reason="They closed")
    assert case.state == "let_go"


def test_a_decision_gives_somebody_the_conversation_and_releases_it(session: Session) -> None:
    account, owner, meeting = make_account(session), make_user(session), _open(session)
    _decide(session, meeting, "lock", account_id=account.id, owner_id=owner.id, review_on=date(2026, 6, 20))
    lock = session.get_one(ConversationLock, account.id)
    assert (lock.owner_id, lock.until) == (owner.id, datetime(2026, 6, 21, tzinfo=UTC))
    _decide(session, meeting, "release", account_id=account.id)
    assert session.get(ConversationLock, account.id) is None


def test_what_waited_for_a_conversation_is_asked_about_again_when_it_is_released(session: Session) -> None:
    account, owner, meeting = make_account(session), make_user(session), _open(session)
    campaign = _campaign(session)
    run = session.scalars(select(Run).where(Run.campaign_id == campaign.id)).one()
    later = FRIDAY + timedelta(days=10)
    waiting = Delivery(run_id=run.id, version_id=run.version_id, enrolment_id=1, account_id=account.id, contact_id=1,
                       position=0, step="hello", channel="email", state="deferred", reason="conversation_locked",
                       due_at=later, planned_at=FRIDAY)
    session.add(waiting)
    _decide(session, meeting, "lock", account_id=account.id, owner_id=owner.id, review_on=later.date())
    _decide(session, meeting, "release", account_id=account.id)
    session.refresh(waiting)
    assert waiting.due_at == FRIDAY


def _campaign(session: Session) -> Campaign:
    from campaigns.models import Approval, CampaignVersion

    def add(row: Any) -> Any:
        session.add(row)
        session.flush()
        return row

    campaign = add(Campaign(name="hello", title="Hello", definition={}, definition_hash="x", state="running",
                            created_at=FRIDAY, updated_at=FRIDAY))
    version = add(CampaignVersion(campaign_id=campaign.id, number=1, definition={}, definition_hash="x",
                                  created_at=FRIDAY))
    approval = add(Approval(campaign_id=campaign.id, version_id=version.id, approved_by="x", approved_at=FRIDAY))
    add(Run(campaign_id=campaign.id, version_id=version.id, approval_id=approval.id, number=1, state="active",
            purpose="marketing", launched_by="Olga", launched_at=FRIDAY))
    return campaign


def test_a_decision_pauses_a_running_campaign(session: Session) -> None:
    campaign, meeting = _campaign(session), _open(session)
    _decide(session, meeting, "pause_campaign", campaign_id=campaign.id)
    session.refresh(campaign)
    assert campaign.state == "paused"


def test_launched_campaigns_are_on_the_agenda(session: Session) -> None:
    _campaign(session)
    assert _rows(build_agenda(session, since=None), "campaigns")[0]["facts"] == "active · launched 2026-06-12 by Olga"


@pytest.mark.parametrize(("kind", "field"), [
    ("task", "owner_id"), ("lock", "owner_id"), ("lock", "account_id"), ("open_case", "account_id"),
    ("pause_campaign", "campaign_id"), ("lock", "review_on"), ("dance", "kind"),
])
def test_what_a_kind_needs_is_asked_for(session: Session, kind: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        _decide(session, _open(session), kind)
    assert field in refusal.value.fields


def test_a_decision_that_cannot_be_carried_out_leaves_nothing(session: Session) -> None:
    account, meeting = make_account(session), _open(session)
    with pytest.raises(Refused, match="no open win-back case"):
        _decide(session, meeting, "let_go", account_id=account.id)
    assert session.scalars(select(AccountEvent)).all() == []


def test_minutes_say_numbers_rows_decisions_and_notes(session: Session) -> None:
    account, owner = _lapse(session), make_user(session, name="Olga")
    meeting = _open(session)
    meeting.people, meeting.notes = ["Olga", "Paul"], "Fair in May"
    _decide(session, meeting, "task", account_id=account.id, owner_id=owner.id, reason="They asked for it")
    minutes = close_meeting(session, meeting_id=meeting.id).minutes
    for words in ("Weekly, Friday 12 June 2026", "Present: Olga, Paul", "At risk and lapsed (1)", "- Alfreds: 1,500",
                  "Decided: somebody does something (Alfreds). Go and see them. Olga, from 2026-06-12. "
                  "Reason: They asked for it.", "Fair in May"):
        assert words in minutes


def test_what_stays_open_is_carried_over_with_a_count(session: Session) -> None:
    task = Task(title="Old promise", due_on=TODAY, created_at=clock.now())
    session.add(task)
    session.flush()
    for _ in range(3):
        close_meeting(session, meeting_id=_open(session).id)
    row = _rows(build_agenda(session, since=None), "actions")[0]
    assert (row["carried"], "carried over 3 times" in row["facts"]) == (3, True)


def test_a_closed_meeting_takes_no_decision(session: Session) -> None:
    meeting = close_meeting(session, meeting_id=_open(session).id)
    with pytest.raises(Refused, match="while the meeting is open"):
        _decide(session, meeting, "note")


def test_every_kind_of_decision_has_words() -> None:
    assert all(kind.word for kind in KINDS.values())


@pytest.mark.parametrize(("last", "expected"), [(date(2026, 6, 8), date(2026, 6, 15)), (TODAY, date(2026, 6, 19)),
                                                (date(2026, 5, 1), TODAY)])
def test_the_next_meeting_is_proposed_a_week_later_and_never_in_the_past(last: date, expected: date) -> None:
    assert next_meeting_day(last, TODAY) == expected
