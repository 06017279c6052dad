"""The meeting room in the browser."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from abm.meetings.models import Decision, Meeting
from abm.work.models import Task
from core import clock, db
from tests.factories import make_account


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 6, 12, 10, tzinfo=UTC))


@pytest.fixture
def seller(client_as: Callable[..., Any]) -> Any:
    return client_as("sales")


@pytest.fixture
def room(seller: Any) -> str:
    """The address of an open meeting with one late task on its agenda."""
    with db.transaction() as session:
        make_account(session, name="Alfreds")
        session.add(Task(title="Old promise", due_on=date(2026, 6, 1), created_at=clock.now()))
    address = seller.post("/meetings", data={"title": "Weekly", "held_on": "2026-06-12"}).headers["Location"]
    seller.post(f"{address}/open")
    return str(address)


def test_the_first_page_says_what_a_meeting_shows(seller: Any) -> None:
    assert "Its agenda is made from the data" in seller.get("/meetings").text


def test_a_meeting_needs_its_day(seller: Any) -> None:
    answer = seller.post("/meetings", data={"title": "Ours", "held_on": ""})
    assert (answer.status_code, "Say on which day" in answer.text, 'value="Ours"' in answer.text) == (422, True, True)


def test_a_planned_meeting_shows_the_agenda_as_it_stands(seller: Any) -> None:
    address = seller.post("/meetings", data={"held_on": "2026-06-12"}).headers["Location"]
    assert "opening the meeting freezes it" in seller.get(address).text


def test_the_open_room_shows_actions_and_takes_decisions(seller: Any, room: str) -> None:
    assert "Old promise" in seller.get(room).text
    answer = seller.post(f"{room}/decisions", data={
        "item": "actions", "kind": "task", "text": "Ring them", "account": "alfreds", "owner_id": seller.user_id,
        "review_on": "2026-06-15"}, follow_redirects=True)
    assert "Ring them" in answer.text
    with db.reading() as session:
        assert session.scalars(select(Task.due_on).where(Task.title == "Ring them")).one() == date(2026, 6, 15)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("kind", "", "Choose what is decided"), ("text", "", "Say it in one sentence"),
    ("owner_id", "", "Name the one person"), ("account", "Nobody Ltd", "no single account called Nobody Ltd"),
    ("review_on", "2026-01-01", "before the decision"),
])
def test_a_decision_that_lacks_something_keeps_what_was_typed(seller: Any, room: str, field: str, value: str,
                                                              sentence: str) -> None:
    typed = {"kind": "task", "text": "Ring them", "reason": "They asked", "owner_id": seller.user_id, field: value}
    answer = seller.post(f"{room}/decisions", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "They asked" in answer.text
    with db.reading() as session:
        assert session.scalars(select(Decision)).all() == []


def test_an_action_done_in_the_room_is_shown_as_done(seller: Any, room: str) -> None:
    with db.reading() as session:
        task_id = session.scalars(select(Task.id)).one()
    page = seller.post(f"/tasks/{task_id}/done", data={"next": room}, follow_redirects=True).text
    assert f'action="/tasks/{task_id}/done"' not in page
    assert "Old promise" in page


def test_the_switch_shows_what_moved(seller: Any, room: str) -> None:
    with db.transaction() as session:
        session.add(Task(title="New and late", due_on=date(2026, 6, 2), created_at=clock.now()))
    assert "New and late" not in seller.get(room).text
    assert "New and late" in seller.get(f"{room}?moved=1").text


def test_notes_are_kept_and_the_minutes_stay(seller: Any, room: str) -> None:
    seller.post(f"{room}/notes", data={"notes": "Fair in May", "people": "Olga, Paul"})
    page = seller.post(f"{room}/close", follow_redirects=True).text
    assert "Fair in May" in page
    assert "Present: Olga, Paul" in page
    assert seller.post(f"{room}/notes", data={"notes": "Other"}).status_code == 409


def test_a_decision_that_cannot_be_carried_out_is_refused_in_a_sentence(seller: Any, room: str) -> None:
    answer = seller.post(f"{room}/decisions", data={"kind": "let_go", "text": "Let go", "account": "Alfreds"})
    assert (answer.status_code, "no open win-back case" in answer.text) == (409, True)


def test_a_viewer_reads_and_does_not_run_meetings(client_as: Callable[..., Any], room: str) -> None:
    viewer = client_as("viewer")
    assert viewer.get(room).status_code == 200
    assert viewer.post(f"{room}/close").status_code == 403
    with db.reading() as session:
        assert session.scalars(select(Meeting.state)).one() == "open"
