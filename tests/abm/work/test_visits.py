"""Visits: walked in eight steps, with a figure for how strictly; what follows when one is over."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import AccountEvent
from abm.company.policy import Company
from abm.orders.models import Order
from abm.wiring import connect_engine
from abm.work.forms import VisitResult
from abm.work.models import Task
from abm.work.visit_queries import REPORT_COLUMNS, export_reports, list_expenses, measure_strictness
from abm.work.visit_steps import NAMES, strictness
from abm.work.visits import record_visit, tick_step
from campaigns.models import Event, Touch
from core import clock, db
from core.errors import NotFound, Refused
from tests.factories import make_account, make_contact, make_user

NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    connect_engine()
    at(NOON)


def plan_visit(session: Session, **values: Any) -> Task:
    contact = make_contact(session, make_account(session))
    task = Task(**{"kind": "visit", "title": "See them", "account_id": contact.account_id, "contact_id": contact.id,
                   "created_at": clock.now(), **values})
    session.add(task)
    session.flush()
    return task


def close(session: Session, task: Task, outcome: str = "met", **values: Any) -> Task:
    result = VisitResult(**{"outcome": outcome, "sentiment": None, "note": "", **values})
    return record_visit(session, task_id=task.id, result=result, company=Company())


@pytest.mark.parametrize(
    ("walk", "percent"),
    [
        (NAMES, 100), ((), 0), (NAMES[::-1], 12), (NAMES[:4], 50), (NAMES[4:], 50),
        ((*NAMES[1:], NAMES[0]), 87), ((NAMES[1], NAMES[0], *NAMES[2:]), 87),
    ],
)
def test_strictness_is_the_longest_part_of_the_walk_that_keeps_the_order(walk: tuple[str, ...], percent: int) -> None:
    assert strictness(walk) == percent


def test_steps_are_ticked_with_their_moment_and_note(session: Session, at: Callable[[datetime], None]) -> None:
    task = plan_visit(session)
    tick_step(session, task_id=task.id, step="prepare", is_done=True, note="Bring the sample")
    at(NOON + timedelta(minutes=5))
    tick_step(session, task_id=task.id, step="prepare", is_done=True, note="Bring two samples")
    assert task.extra == {"steps": {"prepare": {"at": NOON.isoformat(), "note": "Bring two samples"}}}
    tick_step(session, task_id=task.id, step="prepare", is_done=False)
    assert task.extra == {"steps": {}}
    with pytest.raises(NotFound):
        tick_step(session, task_id=task.id, step="dance", is_done=True)


def test_a_closed_visit_keeps_its_figure_and_is_not_walked_on(
    session: Session, at: Callable[[datetime], None]
) -> None:
    owner = make_user(session, name="Sam Seller")
    task = plan_visit(session, owner_id=owner.id)
    for number, step in enumerate(NAMES[:6]):
        at(NOON + timedelta(minutes=number))
        tick_step(session, task_id=task.id, step=step, is_done=True)
    close(session, task, note="They will think about it")
    assert (task.state, task.extra["strictness"], task.outcome_note) == ("done", 75, "They will think about it")
    assert [(one.name, one.visits, one.percent) for one in measure_strictness(session)] == [("Sam Seller", 1, 75)]
    with pytest.raises(Refused):
        tick_step(session, task_id=task.id, step="goodbye", is_done=True)


def test_an_order_taken_on_a_visit_is_entered(session: Session) -> None:
    task = plan_visit(session)
    close(session, task, "order", amount=Decimal("1200"), ordered_on=date(2026, 6, 12))
    order = session.scalars(select(Order)).one()
    assert (order.account_id, order.amount) == (task.account_id, Decimal("1200"))
    title = session.scalars(select(AccountEvent.title).where(AccountEvent.kind == "visit")).one()
    assert "Met, and ordered" in title
    assert "1,200.00" in title


@pytest.mark.parametrize(("outcome", "meetings"), [("met", 1), ("order", 1), ("not_there", 0), ("cancelled", 0)])
def test_somebody_who_was_met_is_a_meeting_and_a_touch(session: Session, outcome: str, meetings: int) -> None:
    task = plan_visit(session)
    close(session, task, outcome, amount=Decimal(5), ordered_on=NOON.date())
    assert len(session.scalars(select(Event).where(Event.kind == "meeting")).all()) == meetings
    touches = [(one.channel, one.points) for one in session.scalars(select(Touch))]
    assert touches == [("visit", 4)] * meetings


def test_a_visit_that_met_somebody_stops_campaigns_that_stop_on_meetings(session: Session) -> None:
    from tests.campaigns.campaign_factory import HELLO, enrolments, make_people, make_run

    (person,) = make_people(session)
    runs = [make_run(session, campaign=name, steps=[HELLO, {**HELLO, "id": "more", "after": "2 days"}], stop_when=stops)
            for name, stops in (("stops", ["meeting"]), ("goes-on", ["opt_out"]))]
    close(session, plan_visit(session, account_id=person.account_id, contact_id=person.id))
    assert [(row.state, row.end_reason) for run in runs for row in enrolments(session, run)] == [
        ("stopped", "met"), ("active", None)]


def test_a_visit_is_walked_in_the_browser(client_as: Callable[..., Any], database: Any) -> None:
    client = client_as("sales")
    with db.transaction() as session:
        task_id = plan_visit(session).id
    assert "Walk it" in client.get("/visits?whose=all").text
    part = client.post(f"/visits/{task_id}/steps/prepare", data={"done": "yes", "note": "Aim"},
                       headers={"HX-Request": "true"})
    assert "12 %" in part.text
    refused = client.post(f"/visits/{task_id}/outcome", data={"outcome": "order", "note": "kept"})
    assert (refused.status_code, "kept" in refused.text, "worth" in refused.text) == (422, True, True)
    assert client.post(f"/visits/{task_id}/outcome", data={"outcome": "met"}).status_code == 302
    assert "Met" in client.get("/visits").text
    assert client_as("viewer").post(f"/visits/{task_id}/steps/greet", data={"done": "yes"}).status_code == 403


def test_expenses_count_into_the_cost_of_the_visit(session: Session) -> None:
    task = close(session, plan_visit(session), expenses={"travel": Decimal("120.40"), "meals": Decimal(30)})
    usual = int(Decimal(Company().channel_costs["visit"]) * 10_000)
    assert session.scalars(select(Touch.cost_amount)).all() == [usual + 1_504_000]
    assert list_expenses(session, task.id) == [("meals", Decimal(30)), ("travel", Decimal("120.40"))]


def test_expenses_of_a_visit_that_met_nobody_cost_without_counting_as_a_contact(session: Session) -> None:
    close(session, plan_visit(session), outcome="not_there", expenses={"travel": Decimal(80)})
    assert session.execute(select(Touch.points, Touch.cost_amount)).all() == [(0, 800_000)]


def test_reports_are_exported_with_expenses_by_kind(session: Session) -> None:
    close(session, plan_visit(session), note="They want more", expenses={"travel": Decimal(80), "gifts": Decimal(5)})
    row = dict(zip(REPORT_COLUMNS, next(iter(export_reports(session))), strict=True))
    assert (row["report"], row["travel"], row["gifts"], row["lodging"], row["expenses"]) == (
        "They want more", 80, 5, None, 85)
