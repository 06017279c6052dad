"""How a call ended, and what follows from it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import AccountEvent
from abm.company.policy import Company
from abm.orders.models import AccountDay, Order
from abm.outreach.engine_side import engine_side
from abm.wiring import connect_engine
from abm.work.call_queue import list_due_calls
from abm.work.calls import record_call
from abm.work.campaign_calls import create_call_tasks, drop_unwanted_calls
from abm.work.forms import CallResult, parse_call_result
from abm.work.models import Task
from campaigns.models import Approval, Campaign, CampaignVersion, Delivery, Enrolment, Run, Touch
from campaigns.outside import CallRequest
from core import clock
from core.errors import InvalidInput
from tests.factories import make_account, make_contact, make_order, make_user

FRIDAY = date(2026, 6, 12)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    connect_engine()
    at(datetime(2026, 6, 12, 10, tzinfo=UTC))


@pytest.fixture
def call(session: Session) -> Task:
    contact = make_contact(session, phone="+49 30 1234")
    return _plan_call(session, account_id=contact.account_id, contact_id=contact.id)


def _plan_call(session: Session, **values: Any) -> Task:
    task = Task(**{"kind": "call", "title": "Ask how it went", "due_on": FRIDAY, "created_at": clock.now(), **values})
    session.add(task)
    session.flush()
    return task


def _record(session: Session, task: Task, outcome: str, **values: Any) -> Task:
    result = CallResult(outcome=outcome, sentiment=values.pop("sentiment", None), note=values.pop("note", ""), **values)
    return record_call(session, task_id=task.id, result=result, company=Company())


def test_reached_ends_the_call_and_keeps_sentiment_apart(session: Session, call: Task) -> None:
    _record(session, call, "reached", sentiment="bad", note="Waits for a part")
    assert (call.state, call.outcome, call.sentiment) == ("done", "reached", "bad")
    assert call.outcome_note == "Waits for a part"


def test_a_call_by_hand_that_talked_counts_as_a_touch(session: Session, call: Task) -> None:
    _record(session, call, "reached")
    touch = session.scalars(select(Touch)).one()
    assert (touch.account_id, touch.channel, touch.points) == (call.account_id, "call", 2)


def test_nobody_reached_is_no_touch_and_comes_back_on_monday(session: Session, call: Task) -> None:
    _record(session, call, "not_reached")
    assert (call.state, call.due_on) == ("open", date(2026, 6, 15))
    assert session.scalars(select(Touch)).all() == []


def test_the_third_time_nobody_is_reached_ends_the_call(session: Session, call: Task) -> None:
    for _ in range(3):
        _record(session, call, "not_reached")
    assert (call.state, call.outcome) == ("done", "not_reached")


def test_call_back_moves_the_call(session: Session, call: Task) -> None:
    _record(session, call, "call_back", call_back_on=date(2026, 7, 1))
    assert (call.state, call.due_on) == ("open", date(2026, 7, 1))


def test_a_wrong_number_takes_the_number_and_leaves_the_person(session: Session, call: Task) -> None:
    _record(session, call, "wrong_number")
    assert call.contact is not None
    assert (call.contact.phone, call.contact.is_active, call.state) == (None, True, "done")


def test_an_order_on_the_telephone_becomes_an_order(session: Session, call: Task) -> None:
    _record(session, call, "order", amount=Decimal("840.50"), ordered_on=FRIDAY)
    order = session.scalars(select(Order)).one()
    assert (order.account_id, order.amount, order.ordered_on) == (call.account_id, Decimal("840.5"), FRIDAY)
    assert session.get_one(AccountDay, (call.account_id, FRIDAY)).amount == Decimal("840.5")


def test_every_try_stands_on_the_timeline(session: Session, call: Task) -> None:
    _record(session, call, "not_reached")
    _record(session, call, "reached", sentiment="good")
    titles = session.scalars(select(AccountEvent.title).where(AccountEvent.kind == "call")
                             .order_by(AccountEvent.id)).all()
    assert titles == ["Call: Not reached, again on 2026-06-15", "Call: Reached, well disposed"]


def test_the_desk_takes_the_earliest_day_first_and_then_the_most_valuable_account(session: Session) -> None:
    seller = make_user(session, role="sales")
    small, large = make_account(session), make_account(session)
    make_order(session, small, on=FRIDAY, amount="10")
    make_order(session, large, on=FRIDAY, amount="1000")
    for account, due_on, title in ((small, FRIDAY, "small"), (large, FRIDAY, "large"),
                                   (small, date(2026, 6, 11), "late"), (large, date(2026, 6, 13), "tomorrow")):
        _plan_call(session, account_id=account.id, due_on=due_on, title=title, owner_id=seller.id)
    _plan_call(session, account_id=small.id, title="another's", owner_id=make_user(session).id)
    found = list_due_calls(session, user_id=seller.id)
    assert [call.task.title for call in found] == ["late", "large", "small"]


def campaign_call(session: Session) -> tuple[Task, Delivery, Enrolment]:
    """A call step that was handed over, with its task."""
    moment = clock.now()
    contact = make_contact(session, phone="1")
    definition: dict[str, Any] = {
        "campaign": "hello", "title": "Hello", "purpose": "marketing", "list": "all",
        "sender": {"name": "Sales", "email": "sales@example.com", "postal_address": "1 Street"},
        "steps": [{"id": "call", "channel": "call", "after": "0 days", "script": "Hello"},
                  {"id": "again", "channel": "call", "after": "1 working days", "script": "Again"}]}
    campaign = _add(session, Campaign(name="hello", title="Hello", definition=definition, definition_hash="x",
                                      state="running", created_at=moment, updated_at=moment))
    version = _add(session, CampaignVersion(campaign_id=campaign.id, number=1, definition=definition,
                                            definition_hash="x", created_at=moment))
    approval = _add(session, Approval(campaign_id=campaign.id, version_id=version.id, approved_by="x",
                                      approved_at=moment))
    run = _add(session, Run(campaign_id=campaign.id, version_id=version.id, approval_id=approval.id, number=1,
                            state="active", purpose="marketing", launched_at=moment))
    enrolment = _add(session, Enrolment(run_id=run.id, account_id=contact.account_id, contact_id=contact.id,
                                        next_position=1, enrolled_at=moment))
    delivery = _add(session, Delivery(
        run_id=run.id, version_id=version.id, enrolment_id=enrolment.id, account_id=contact.account_id,
        contact_id=contact.id, position=0, step="call", channel="call", state="sent", due_at=moment, planned_at=moment,
        sent_at=moment))
    _add(session, Touch(account_id=contact.account_id, contact_id=contact.id, channel="call", points=2,
                        delivery_id=delivery.id, at=moment))
    create_call_tasks(session, requests=[CallRequest(
        delivery_id=delivery.id, account_id=contact.account_id, contact_id=contact.id, campaign_title="Hello",
        step="call", script="Hello", assign_to="account_owner", due_at=moment)])
    return session.scalars(select(Task)).one(), delivery, enrolment


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def test_the_outcome_of_a_campaigns_call_moves_the_campaign_on(session: Session) -> None:
    task, delivery, enrolment = campaign_call(session)
    _record(session, task, "reached")
    session.refresh(enrolment)
    session.refresh(delivery)
    assert delivery.reason == "call_reached"
    assert enrolment.next_due_at is not None


def test_a_campaigns_call_counts_once_as_a_touch(session: Session) -> None:
    task, _, _ = campaign_call(session)
    _record(session, task, "reached")
    assert len(session.scalars(select(Touch)).all()) == 1


def test_a_call_that_comes_back_leaves_the_campaign_waiting(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    _record(session, task, "call_back", call_back_on=date(2026, 6, 20))
    assert delivery.reason is None


@pytest.mark.parametrize(("table", "values", "state"), [
    ("delivery", {}, "open"),
    ("delivery", {"state": "handing"}, "open"),
    ("delivery", {"reason": "call_not_done"}, "dropped"),
    ("enrolment", {"state": "stopped"}, "dropped"),
    ("enrolment", {"state": "cancelled"}, "dropped"),
])
def test_calls_that_the_campaign_no_longer_wants_leave_the_desk(session: Session, table: str, values: dict[str, str],
                                                                state: str) -> None:
    task, delivery, enrolment = campaign_call(session)
    for name, value in values.items():
        setattr(delivery if table == "delivery" else enrolment, name, value)
    session.flush()
    drop_unwanted_calls(session)
    session.refresh(task)
    assert task.state == state


def test_a_promised_call_that_nobody_makes_stays_on_the_desk_as_late(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    _record(session, task, "call_back", call_back_on=date(2026, 6, 20))
    delivery.reason = "call_not_done"
    session.flush()
    assert drop_unwanted_calls(session) == 0
    session.refresh(task)
    assert (task.state, task.due_on) == ("open", date(2026, 6, 20))


def test_a_call_that_nobody_made_in_time_says_so_and_not_that_nobody_wanted_it(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    delivery.reason = "call_not_done"
    session.flush()
    drop_unwanted_calls(session)
    session.refresh(task)
    assert task.outcome == "not_made"


@pytest.mark.parametrize(("after", "is_promised"), [(date(2026, 6, 19), True), (date(2026, 6, 20), False)])
def test_a_step_waits_for_the_day_that_was_promised(session: Session, after: date, is_promised: bool) -> None:
    task, delivery, _ = campaign_call(session)
    _record(session, task, "call_back", call_back_on=date(2026, 6, 20))
    moment = datetime.combine(after, time(12), UTC)
    found = engine_side().desk.is_promised(Delivery.id.expression, after=moment)
    assert session.scalars(select(Delivery.id).where(found)).all() == [delivery.id] * is_promised


def test_a_meeting_that_is_agreed_for_a_day_becomes_a_visit_of_that_day(session: Session) -> None:
    task, _, _ = campaign_call(session)
    _record(session, task, "meeting", meeting_on=date(2026, 6, 25), note="At ten, in their office")
    [visit] = session.scalars(select(Task).where(Task.kind == "visit"))
    assert (visit.due_on, visit.account_id, visit.contact_id, visit.state) == (
        date(2026, 6, 25), task.account_id, task.contact_id, "open")
    assert visit.note == "At ten, in their office"


def test_a_meeting_without_a_day_plans_nothing(session: Session) -> None:
    task, _, _ = campaign_call(session)
    _record(session, task, "meeting")
    assert session.scalars(select(Task).where(Task.kind == "visit")).all() == []


def test_a_meeting_on_a_day_that_is_over_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_call_result({"outcome": "meeting", "meeting_on": "2026-06-11"}, today=FRIDAY)
    assert refused.value.fields["meeting_on"] == "This day is over: choose today or a later one."
