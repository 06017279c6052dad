"""What a call leaves behind: orders with lines and codes, promises, answers, minutes and their cost; and the gate."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.catalogue.models import Product
from abm.company.policy import Company
from abm.offers.codes import tidy_code
from abm.offers.models import Offer, OfferGrant, Redemption
from abm.orders.actions import NewLine
from abm.orders.models import AccountDay, Order, OrderLine
from abm.work.call_costs import sum_by_caller, sum_by_campaign
from abm.work.calls import record_call
from abm.work.claims import claim_call
from abm.work.dialling import ask_gate, dial_anyway
from abm.work.forms import CallResult
from abm.work.models import CallTry, Task
from abm.work.script_answers import BACK, answer_script
from campaigns.costs import cost_of_sent, list_cost_lines
from campaigns.models import ConversationLock, Run, Touch
from campaigns.outside import outside
from campaigns.tally import count_people_reached, tally_messages
from campaigns.verdict import Answer
from core import clock
from core.errors import InvalidInput, Refused
from tests.abm.work.test_calls import _friday, campaign_call  # noqa: F401 — the fixture sets the clock
from tests.factories import make_contact, make_user

FRIDAY = date(2026, 6, 12)
NOW = datetime(2026, 6, 12, 10, tzinfo=UTC)


@pytest.fixture
def call(session: Session) -> Task:
    contact = make_contact(session, phone="+49 30 1234", timezone="America/New_York")
    task = Task(kind="call", title="Ask how it went", due_on=FRIDAY, created_at=clock.now(),
                account_id=contact.account_id, contact_id=contact.id)
    return _add(session, task)


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def _record(session: Session, task: Task, outcome: str, **values: Any) -> Task:
    result = CallResult(outcome=outcome, sentiment=None, note="", **values)
    return record_call(session, task_id=task.id, result=result, company=Company())


def _products(session: Session) -> None:
    for sku, price in (("11", 21), ("12", 38)):
        session.add(Product(sku=sku, name=f"Product {sku}", price_amount=Decimal(price), currency="EUR",
                            created_at=NOW, updated_at=NOW))
    session.flush()


def _grant(session: Session, account_id: int) -> OfferGrant:
    offer = _add(session, Offer(name="back", title="Back", kind="discount", cost_amount=Decimal(10), currency="EUR",
                                valid_from=FRIDAY, valid_until=date(2026, 12, 31), created_at=NOW))
    return _add(session, OfferGrant(offer_id=offer.id, account_id=account_id, code=tidy_code("BACK-7K2M"),
                                    granted_at=NOW, expires_on=date(2026, 12, 31)))


LINES = (NewLine("11", Decimal(3), Decimal(21)), NewLine("12", Decimal(2), Decimal(38), Decimal("0.1")))


def test_an_order_on_the_telephone_has_lines_and_is_followed_everywhere(session: Session, call: Task) -> None:
    _products(session)
    account_id = call.account_id or 0
    assert outside().people.ordered_since(session, {account_id: NOW}) == set()
    _record(session, call, "order", ordered_on=FRIDAY, lines=LINES)
    order = session.scalars(select(Order)).one()
    lines = session.scalars(select(OrderLine).order_by(OrderLine.id)).all()
    assert (order.amount, order.currency, [line.amount for line in lines]) == (
        Decimal("131.4"), "EUR", [Decimal(63), Decimal("68.4")])
    assert session.get_one(AccountDay, (account_id, FRIDAY)).amount == Decimal("131.4")
    assert outside().people.ordered_since(session, {account_id: NOW}) == {account_id}


def test_the_offers_code_is_redeemed_with_the_order(session: Session, call: Task) -> None:
    _products(session)
    grant = _grant(session, call.account_id or 0)
    _record(session, call, "order", ordered_on=FRIDAY, lines=LINES, code="back-7k2m")
    assert session.scalars(select(Redemption)).one().grant_id == grant.id


def test_a_wrong_code_leaves_neither_order_nor_try(session: Session, call: Task) -> None:
    _products(session)
    with pytest.raises(InvalidInput) as refused:
        _record(session, call, "order", ordered_on=FRIDAY, lines=LINES, code="NOBODYS")
    assert "Nobody was given this code" in refused.value.fields["code"]
    kept = [session.scalars(select(table)).all() for table in (Order, OrderLine, AccountDay, CallTry, Touch)]
    assert kept == [[]] * 5
    assert call.state == "open"


def test_a_call_back_is_at_the_time_on_the_persons_clock(session: Session, call: Task) -> None:
    _record(session, call, "call_back", call_back_on=FRIDAY, call_back_time=time(20))
    assert (call.ready_at, call.due_on) == (datetime(2026, 6, 13, 0, tzinfo=UTC), date(2026, 6, 13))


def test_a_time_that_is_over_there_is_refused(session: Session, call: Task) -> None:
    with pytest.raises(InvalidInput) as refused:
        _record(session, call, "call_back", call_back_on=FRIDAY, call_back_time=time(5))
    assert refused.value.fields["call_back_time"] == "This time is over in America/New_York."


def test_nobody_reached_is_tried_at_another_time_of_day(session: Session, call: Task) -> None:
    _record(session, call, "not_reached")
    assert call.ready_at == datetime(2026, 6, 15, 18, tzinfo=UTC)


def test_who_has_no_claim_cannot_end_the_call(session: Session, call: Task) -> None:
    claim_call(session, task_id=call.id, user_id=make_user(session, name="Ann").id)
    with pytest.raises(Refused, match="Ann has this call open"):
        _record(session, call, "reached")


def test_answers_of_the_script_are_kept_with_the_try(session: Session, call: Task) -> None:
    call.script = "? In time?\n- yes\n- no\n? More?\n- yes\n- no"
    user_id = make_user(session).id
    for passed, choice in ((0, 1), (0, 0), (1, BACK), (0, 0), (1, 1)):
        answer_script(session, task=call, passed=passed, choice=choice, user_id=user_id)
    call.claimed_by_id = None
    _record(session, call, "not_reached")
    assert call.extra is not None
    assert call.extra["tries"][0]["answers"] == [["In time?", "yes"], ["More?", "no"]]
    assert "answers" not in call.extra


def test_minutes_of_all_tries_become_the_cost_of_the_touch(session: Session, call: Task) -> None:
    _record(session, call, "not_reached", seconds=60)
    _record(session, call, "reached", seconds=240)
    touch = session.scalars(select(Touch)).one()
    assert (touch.seconds, touch.cost_amount) == (300, 75_000)
    (by_hand,) = sum_by_campaign(session, since=NOW - timedelta(days=1))
    (caller,) = sum_by_caller(session, on=FRIDAY)
    assert (by_hand.name, by_hand.tries, by_hand.cost, by_hand.per_contact) == (
        "By hand", 2, Decimal("7.5"), Decimal("7.5"))
    assert (caller.tries, caller.talked, caller.seconds) == (2, 1, 300)
    assert sum_by_caller(session, on=date(2026, 6, 11)) == []


def test_a_call_without_minutes_keeps_the_usual_price(session: Session, call: Task) -> None:
    _record(session, call, "reached")
    touch = session.scalars(select(Touch)).one()
    assert (touch.seconds, touch.cost_amount) == (None, 180_000)


def test_a_campaign_costs_the_minutes_of_its_calls(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    campaign_id = session.get_one(Run, delivery.run_id).campaign_id
    assert cost_of_sent(session, tally_messages(session, campaign_id)) == 0
    _record(session, task, "reached", seconds=120)
    assert cost_of_sent(session, tally_messages(session, campaign_id)) == Decimal(3)
    assert [row.name for row in sum_by_campaign(session, since=NOW - timedelta(days=1))] == ["Hello"]


@pytest.mark.parametrize(("reason", "cost", "reached"), [
    (None, 0, 0), ("call_not_done", 0, 0), ("call_not_reached", 18, 0), ("call_reached", 18, 1)])
def test_a_call_that_nobody_made_costs_nothing_and_reached_nobody(session: Session, reason: str | None, cost: int,
                                                                  reached: int) -> None:
    _task, delivery, _ = campaign_call(session)
    delivery.reason = reason
    session.flush()
    campaign_id = session.get_one(Run, delivery.run_id).campaign_id
    tally = tally_messages(session, campaign_id)
    [line] = list_cost_lines(session, tally)
    assert (line.total, count_people_reached(session, tally), line.idle) == (Decimal(cost), reached, int(not cost))


def test_the_time_of_a_talk_counts_although_the_promised_call_was_never_made(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    _record(session, task, "call_back", seconds=120, call_back_on=NOW.date() + timedelta(days=3))
    delivery.reason = "call_not_done"
    session.flush()
    [line] = list_cost_lines(session, tally_messages(session, session.get_one(Run, delivery.run_id).campaign_id))
    assert (line.total, line.flat, line.measured, line.idle) == (Decimal(3), 0, 1, 0)


def test_a_call_that_took_two_talks_is_one_call_with_the_time_of_both(session: Session) -> None:
    task, delivery, _ = campaign_call(session)
    _record(session, task, "call_back", seconds=120, call_back_on=NOW.date())
    _record(session, task, "reached", seconds=240)
    [line] = list_cost_lines(session, tally_messages(session, session.get_one(Run, delivery.run_id).campaign_id))
    assert (line.total, line.flat, line.measured, line.seconds, line.idle) == (Decimal(9), 0, 1, 360, 0)


def _lock(session: Session, call: Task) -> None:
    _add(session, ConversationLock(account_id=call.account_id, reason="replied", until=NOW + timedelta(days=3)))


def test_where_the_gate_waits_a_person_decides_and_it_is_kept(session: Session, call: Task) -> None:
    assert ask_gate(session, call).verdict.is_allowed
    _lock(session, call)
    assert ask_gate(session, call).needs_decision
    dial_anyway(session, call)
    assert not ask_gate(session, call).needs_decision
    _record(session, call, "not_reached")
    assert ask_gate(session, call).needs_decision


def test_where_the_gate_blocks_nobody_decides(session: Session, call: Task) -> None:
    assert call.contact is not None
    call.contact.lawful_basis = "none"
    session.flush()
    found = ask_gate(session, call)
    assert (found.is_blocked, found.needs_decision) == (True, False)
    with pytest.raises(Refused, match="No lawful basis"):
        dial_anyway(session, call)


def test_a_campaigns_call_is_not_held_up_by_its_own_touch(session: Session) -> None:
    task, _, _ = campaign_call(session)
    for _ in range(3):
        _add(session, Touch(account_id=task.account_id, contact_id=task.contact_id, channel="email", points=1, at=NOW))
    by_hand = Task(kind="call", title="By hand", account_id=task.account_id, contact_id=task.contact_id,
                   created_at=NOW)
    assert ask_gate(session, task).verdict.is_allowed
    assert ask_gate(session, _add(session, by_hand)).verdict.answer is Answer.DEFER


def test_a_blocked_person_shows_no_number(client_as: Callable[..., Any], session: Session) -> None:
    from core import db

    with db.transaction() as opened:
        contact = make_contact(opened, phone="030-0074321", lawful_basis="none")
        task = _add(opened, Task(kind="call", title="x", account_id=contact.account_id, contact_id=contact.id,
                                 created_at=NOW))
        unnamed = _add(opened, Task(kind="call", title="y", account_id=contact.account_id, created_at=NOW))
    seller = client_as("sales")
    for task_id in (task.id, unnamed.id):
        page = seller.get(f"/calls/{task_id}").text
        assert ("No lawful basis is on file" in page, "030-0074321" in page) == (True, False)


def test_the_desk_works_through_a_call_in_the_browser(client_as: Callable[..., Any], database: object) -> None:
    from core import db

    with db.transaction() as opened:
        _products(opened)
        contact = make_contact(opened, phone="1")
        task = _add(opened, Task(kind="call", title="x", account_id=contact.account_id, contact_id=contact.id,
                                 script="? In time?\n- yes -> end\n- no", created_at=NOW))
    seller, other = client_as("sales"), client_as("sales")
    assert seller.post("/calls/next").headers["Location"].endswith(f"/calls/{task.id}")
    assert other.post("/calls/next").headers["Location"].endswith("/calls")
    assert "has this call open" in other.post(f"/calls/{task.id}/claim").text
    step = seller.post(f"/calls/{task.id}/script", data={"passed": 0, "choice": 0}, headers={"HX-Request": "true"}).text
    assert "The script is through" in step
    line = seller.get("/calls/line?sku=11").text
    assert ('value="21.00"' in line, "Product 11" in line) == (True, True)
    typed = {"line_sku": ["11", "12"], "line_quantity": ["3", "2"], "line_price": ["21", "38"],
             "line_discount": ["", "10"]}
    assert "131.40 EUR" in seller.get("/calls/total", query_string=typed).text
    again = seller.post(f"/calls/{task.id}/outcome", data={**typed, "outcome": "order", "code": "NONE"})
    assert again.status_code == 422
    assert ("Nobody was given this code" in again.text, "131.40 EUR" in again.text) == (True, True)
    seller.post(f"/calls/{task.id}/outcome", data={**typed, "outcome": "order", "minutes": "2:00"})
    with db.reading() as opened:
        assert opened.scalars(select(Order.amount)).all() == [Decimal("131.4")]
    assert "3.00 EUR" in seller.get("/calls/costs").text
