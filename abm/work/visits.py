"""Walking a visit through its steps, and what follows when it is over: order, campaign, meeting, touch, timeline."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.company.policy import Company
from abm.orders.actions import enter_order
from abm.orders.models import Order
from abm.work.agreed_meetings import plan_meeting
from abm.work.forms import VisitResult
from abm.work.models import Task, VisitExpense
from abm.work.queries import get_task
from abm.work.visit_steps import MET, NAMES, OUTCOMES, strictness, walked
from campaigns.enrolment import end_step, note_meeting
from campaigns.gate import record_touch
from campaigns.models import Touch
from core import clock
from core.db import to_scaled
from core.errors import NotFound, Refused


def tick_step(session: Session, *, task_id: int, step: str, is_done: bool, note: str = "") -> Task:
    """Mark one of the eight steps as walked (or not). A second tick keeps the first moment and takes the new note.

    Raises NotFound for a step that does not exist, Refused when the visit is over."""
    if step not in NAMES:
        raise NotFound("A visit has no such step")
    task = _open_visit(session, task_id)
    ticks = dict((task.extra or {}).get("steps", {}))
    if is_done:
        ticks[step] = {"at": ticks.get(step, {}).get("at", clock.now().isoformat()), "note": note[:2_000]}
    else:
        ticks.pop(step, None)
    task.extra = {**(task.extra or {}), "steps": ticks}
    session.flush()
    return task


def record_visit(session: Session, *, task_id: int, result: VisitResult, company: Company) -> Task:
    """The visit is over. A visit where somebody was met counts as a meeting with the account and stops campaigns that
    stop on one; an order is entered; the campaign's step ends. Raises Refused when it is over already."""
    task = _open_visit(session, task_id)
    account_id = task.account_id
    if account_id is None:
        raise Refused("This visit has no account: say which one it is, then it can be closed")
    order = _enter_order(session, account_id, result, company) if result.outcome == "order" else None
    figure = strictness(walked((task.extra or {}).get("steps", {})))
    task.extra = {**(task.extra or {}), "strictness": figure}
    _keep_expenses(session, task, result)
    task.state, task.done_at = "done", clock.now()
    task.outcome, task.sentiment, task.outcome_note = result.outcome, result.sentiment, result.note
    session.flush()
    if task.origin == "campaign" and task.origin_id:
        end_step(session, delivery_id=int(task.origin_id), at=clock.now(), outcome=result.outcome)
    if result.outcome in MET:
        # harmless beside the one that `end_step` notes: everybody has stopped by then
        note_meeting(session, account_id=account_id, contact_id=task.contact_id, at=clock.now(), key=f"visit-{task.id}")
        _note_touch(session, task, account_id)
    plan_meeting(session, task, on=result.meeting_on)
    _charge_touch(session, task, result)
    _tell_timeline(session, task, account_id, order, figure)
    record(session, action="visit.outcome", subject="task", subject_id=task.id,
           after={"outcome": result.outcome, "strictness": figure, "order": order and order.external_id,
                  "expenses": {kind: str(amount) for kind, amount in result.expenses.items()}})
    session.flush()
    return task


def _open_visit(session: Session, task_id: int) -> Task:
    task = get_task(session, task_id)
    if task.state != "open" or task.kind != "visit":
        raise Refused("This visit is not open any more")
    return task


def _enter_order(session: Session, account_id: int, result: VisitResult, company: Company) -> Order:
    assert result.amount is not None
    day: date = result.ordered_on or clock.today()
    return enter_order(session, account_id=account_id, ordered_on=day, amount=result.amount, currency=company.currency)


def _keep_expenses(session: Session, task: Task, result: VisitResult) -> None:
    session.add_all(VisitExpense(task_id=task.id, kind=kind, amount=amount, user_id=actor().user_id, at=clock.now())
                    for kind, amount in result.expenses.items())


def _charge_touch(session: Session, task: Task, result: VisitResult) -> None:
    """Expenses count into what the touch cost, beside the usual price of a visit; one that met nobody cost them too."""
    spent = sum(result.expenses.values(), Decimal(0))
    if not spent or task.account_id is None:
        return
    touch = session.scalar(_touch_of(task))
    if touch is None:
        touch = record_touch(session, account_id=task.account_id, contact_id=task.contact_id, channel="visit",
                             at=clock.now(), by_user_id=actor().user_id, note=task.title)
        touch.points, touch.cost_amount = 0, 0
    touch.cost_amount += to_scaled(spent)


def _touch_of(task: Task) -> Select[Touch]:
    """A campaign's visit was counted at its hand-over; of one by hand the touch that was noted just now."""
    if task.origin == "campaign":
        return select(Touch).where(Touch.delivery_id == int(task.origin_id or 0))
    return select(Touch).where(Touch.account_id == task.account_id, Touch.channel == "visit",
                               Touch.delivery_id.is_(None), Touch.at == task.done_at)


def _note_touch(session: Session, task: Task, account_id: int) -> None:
    """A campaign's visit was counted at its hand-over; a visit by hand counts when somebody was met."""
    is_counted = task.origin == "campaign" and session.scalar(
        select(Touch.id).where(Touch.delivery_id == int(task.origin_id or 0))) is not None
    if not is_counted:
        record_touch(session, account_id=account_id, contact_id=task.contact_id, channel="visit",
                     at=task.done_at or clock.now(), by_user_id=actor().user_id, note=task.title)


def _tell_timeline(session: Session, task: Task, account_id: int, order: Order | None, figure: int) -> None:
    parts: list[Any] = [
        OUTCOMES[task.outcome or "met"], f"{figure} % of the steps in order",
        f"order {order.external_id} worth {order.amount:,.2f} {order.currency}" if order else ""]
    add_account_event(session, account_id=account_id, contact_id=task.contact_id, kind="visit", text=task.outcome_note,
                      title=f"Visit: {', '.join(part for part in parts if part)}", link=f"/visits/{task.id}")
