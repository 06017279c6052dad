"""Tasks, my day and the call desk in the browser."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from abm.catalogue.models import Product
from abm.work.models import Task
from core import clock, db
from tests.factories import make_account, make_contact, make_order, make_user

TODAY = date(2026, 6, 12)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 6, 12, 10, tzinfo=UTC))


@pytest.fixture
def seller(client_as: Callable[..., Any]) -> Any:
    return client_as("sales")


def _make_task(**values: Any) -> int:
    with db.transaction() as session:
        task = Task(**{"title": "Write to them", "created_at": clock.now(), "due_on": TODAY, **values})
        session.add(task)
        session.flush()
        return task.id


def _task(task_id: int) -> Task:
    with db.reading() as session:
        task = session.get_one(Task, task_id)
        session.expunge_all()
        return task


def test_an_empty_day_says_where_tasks_come_from(seller: Any) -> None:
    assert "Tasks come from you, from campaigns" in seller.get("/my-day").text


def test_my_day_parts_late_today_and_coming(seller: Any) -> None:
    for due_on, title in ((date(2026, 6, 10), "Is late"), (TODAY, "Is today"), (date(2026, 6, 15), "Is coming"),
                          (date(2026, 7, 15), "Is far")):
        _make_task(title=title, due_on=due_on, owner_id=seller.user_id)
    _make_task(title="Is another's")
    page = seller.get("/my-day").text
    assert [words in page for words in ("Is late", "2 d late", "Is today", "Is coming", "Is far", "another")] == [
        True, True, True, True, False, False]


def test_the_menu_counts_what_is_due(seller: Any) -> None:
    _make_task(owner_id=seller.user_id)
    assert 'title="Waiting for you">1<' in seller.get("/my-day").text


@pytest.mark.parametrize(("query", "shown"), [
    ("", {"Mine"}), ("owner=all", {"Mine", "Nobodys", "Late call"}), ("owner=nobody", {"Nobodys", "Late call"}),
    ("owner=all&due=late", {"Late call"}), ("owner=all&kind=call", {"Late call"}), ("owner=all&state=done", {"Over"}),
    ("owner=all&q=alf", {"Late call"}), ("owner=all&due=today", {"Mine", "Nobodys"}),
])
def test_filters_narrow_the_tasks(seller: Any, query: str, shown: set[str]) -> None:
    with db.transaction() as session:
        account = make_account(session, name="Alfreds")
    _make_task(title="Mine", owner_id=seller.user_id)
    _make_task(title="Nobodys")
    _make_task(title="Late call", kind="call", due_on=date(2026, 6, 1), account_id=account.id)
    _make_task(title="Over", state="done", done_at=clock.now())
    page = seller.get(f"/tasks?{query}").text
    assert {title for title in ("Mine", "Nobodys", "Late call", "Over") if f">{title}</a>" in page} == shown


def test_a_task_is_made_for_an_account_by_its_name(seller: Any) -> None:
    with db.transaction() as session:
        account = make_account(session, name="Alfreds")
    answer = seller.post("/tasks", data={"title": "Visit", "account": "alfreds", "due_on": "2026-06-20"})
    assert answer.status_code == 302
    with db.reading() as session:
        task = session.scalars(select(Task)).one()
        assert (task.account_id, task.due_on, task.owner_id) == (account.id, date(2026, 6, 20), None)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("title", "", "Say what is to be done"), ("due_on", "tomorrow", "tomorrow is not a day"),
    ("account", "Nobody Ltd", "no single account called Nobody Ltd"),
    ("owner_id", "9999", "somebody who can still sign in"),
    ("kind", "call", "Say which account is to be called"),
])
def test_a_wrong_value_is_named_and_the_rest_is_kept(seller: Any, field: str, value: str, sentence: str) -> None:
    answer = seller.post("/tasks", data={"title": "Visit", "note": "Bring the sample", field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Bring the sample" in answer.text


def test_done_over_htmx_answers_with_the_row(seller: Any) -> None:
    task_id = _make_task()
    answer = seller.post(f"/tasks/{task_id}/done", headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith(f'<tr id="task-{task_id}"')
    assert _task(task_id).state == "done"


def test_dropping_needs_a_reason(seller: Any) -> None:
    task_id = _make_task()
    assert seller.post(f"/tasks/{task_id}/drop", data={"reason": ""}).status_code == 422
    seller.post(f"/tasks/{task_id}/drop", data={"reason": "They closed"})
    assert (_task(task_id).state, _task(task_id).outcome_note) == ("dropped", "They closed")


def test_a_closed_task_can_be_opened_again_but_not_edited(seller: Any) -> None:
    task_id = _make_task(state="done", done_at=clock.now())
    assert seller.post(f"/tasks/{task_id}", data={"title": "Other"}).status_code == 409
    seller.post(f"/tasks/{task_id}/reopen")
    assert (_task(task_id).state, _task(task_id).done_at) == ("open", None)


def test_a_task_is_handed_over(seller: Any) -> None:
    with db.transaction() as session:
        other = make_user(session, name="Olga")
    task_id = _make_task(owner_id=seller.user_id)
    page = seller.post(f"/tasks/{task_id}/owner", data={"owner_id": other.id}, follow_redirects=True).text
    assert (_task(task_id).owner_id, "Olga has it now" in page) == (other.id, True)


@pytest.fixture
def call_id(database: object) -> int:
    with db.transaction() as session:
        account = make_account(session, name="Alfreds", industry="Retail")
        contact = make_contact(session, account, first_name="Maria", last_name="Anders", phone="030-0074321")
        make_order(session, account, on=date(2026, 5, 1), amount="840.5", external_id="10248")
        session.add(Product(sku="11", name="Queso Cabrales", price_amount=Decimal(21), currency="EUR",
                            is_available=False, created_at=clock.now(), updated_at=clock.now()))
    return _make_task(kind="call", title="Welcome back: call", account_id=account.id, contact_id=contact.id,
                      script="Hello <Maria>, how was it?")


def test_the_desk_shows_number_script_facts_orders_and_products(seller: Any, call_id: int) -> None:
    page = seller.get(f"/calls/{call_id}").text
    wanted = ("030-0074321", "Hello &lt;Maria&gt;", "Retail", "10248", "840.50 EUR", "Queso Cabrales", "Not available")
    assert [words for words in wanted if words not in page] == []


def test_the_desk_finds_products_while_typing(seller: Any, call_id: int) -> None:
    assert "Queso Cabrales" in seller.get("/calls/products?product=queso").text
    assert "No product like this" in seller.get("/calls/products?product=zzz").text


def test_the_desk_starts_with_the_next_call_and_goes_on_to_the_one_after(seller: Any, call_id: int) -> None:
    second = _make_task(kind="call", title="Second", account_id=_task(call_id).account_id, due_on=TODAY)
    assert "Start with Alfreds" in seller.get("/calls").text
    answer = seller.post(f"/calls/{call_id}/outcome", data={"outcome": "reached", "sentiment": "good"})
    assert answer.headers["Location"].endswith(f"/calls/{second}")
    assert _task(call_id).state == "done"


def test_an_empty_desk_says_that_others_have_calls_and_leads_there(seller: Any, call_id: int) -> None:
    with db.transaction() as session:
        other = make_user(session, name="Olga")
        session.get_one(Task, call_id).owner_id = other.id
    page = seller.get("/calls").text
    assert "One call of somebody else is due" in page
    assert 'href="/calls?whose=all"' in page.split("is due:")[1]
    seller.post(f"/tasks/{call_id}/owner", data={"owner_id": seller.user_id})
    assert "of somebody else" not in seller.get("/calls").text


def test_an_empty_desk_where_nobody_has_calls_says_nothing_of_others(seller: Any) -> None:
    _make_task(kind="call", owner_id=None, due_on=date(2026, 6, 13))
    page = seller.get("/calls").text
    assert "No call is due" in page
    assert "of others" not in page


@pytest.mark.parametrize(("typed", "sentence"), [
    ({}, "Say how the call ended"), ({"outcome": "call_back"}, "Say on which day to call back"),
    ({"outcome": "call_back", "call_back_on": "2026-06-01"}, "This day is over"),
    ({"outcome": "order"}, "Say what the order is worth"), ({"outcome": "order", "amount": "0"}, "more than nothing"),
    ({"outcome": "order", "amount": "10", "ordered_on": "2027-01-01"}, "a day to come"),
    ({"outcome": "vanished"}, "vanished is not one of"),
])
def test_an_outcome_that_lacks_something_is_refused_with_what_was_typed(seller: Any, call_id: int,
                                                                       typed: dict[str, str], sentence: str) -> None:
    answer = seller.post(f"/calls/{call_id}/outcome", data={**typed, "note": "Talked long"})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Talked long" in answer.text
    assert _task(call_id).state == "open"


def test_a_campaigns_call_is_not_done_without_its_outcome(seller: Any) -> None:
    task_id = _make_task(kind="call", origin="campaign", origin_id="1")
    answer = seller.post(f"/tasks/{task_id}/done")
    assert (answer.status_code, _task(task_id).state) == (409, "open")


def test_a_viewer_changes_nothing(client_as: Callable[..., Any]) -> None:
    task_id = _make_task()
    viewer = client_as("viewer")
    assert viewer.get(f"/tasks/{task_id}").status_code == 200
    assert viewer.post(f"/tasks/{task_id}/done").status_code == 403


def test_open_tasks_stand_on_the_accounts_page(seller: Any, call_id: int) -> None:
    assert "Welcome back: call" in seller.get(f"/accounts/{_task(call_id).account_id}").text


def test_a_promised_call_says_for_when_it_is_back_on_the_desk(seller: Any, call_id: int) -> None:
    typed = {"outcome": "call_back", "call_back_on": "2026-06-12", "call_back_time": "15:30"}
    page = seller.post(f"/calls/{call_id}/outcome", data=typed, follow_redirects=True).text
    assert "Back on the desk: <time" in page
    assert ">15:30</time>" in page
