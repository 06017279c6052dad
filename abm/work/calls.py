"""How a call ended, and everything that follows at once: order, number, next try, campaign, touch, timeline."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.company.policy import Company
from abm.contacts.models import Contact
from abm.orders.actions import enter_order
from abm.orders.models import Order
from abm.work.forms import CallResult
from abm.work.models import Task
from abm.work.outcomes import OUTCOMES, SENTIMENTS, STAYS_OPEN, TALKED, next_try
from abm.work.queries import get_task
from campaigns.enrolment import end_step, note_meeting
from campaigns.gate import record_touch
from campaigns.models import Touch
from core import clock
from core.errors import Refused


def record_call(session: Session, *, task_id: int, result: CallResult, company: Company, today: date) -> Task:
    """Keep how an open call ended and carry out what follows.

    call_back moves the call; not_reached tries again on the next working days, three times in all; wrong_number takes
    the number from the person and leaves the person; order enters the order. When the call is over, its campaign step
    ends. Every try stands on the account's timeline and counts as a touch, once.
    Raises Refused when the call is closed or has no account; InvalidInput from entering the order.
    """
    task = get_task(session, task_id)
    account_id = task.account_id
    if task.state != "open" or task.kind != "call" or account_id is None:
        raise Refused("This call is not open any more")
    order = _enter_order(session, account_id, result, company) if result.outcome == "order" else None
    if result.outcome == "wrong_number":
        _forget_number(session, task)
    _keep_try(task, result)
    again_on = _again_on(task, result, company, today)
    if again_on is None:
        _finish(session, task, result)
    else:
        task.due_on = again_on
    _note_touch(session, task, account_id, result)
    _tell_timeline(session, task, account_id, result, order, again_on)
    record(session, action="call.outcome", subject="task", subject_id=task.id,
           after={"outcome": result.outcome, "sentiment": result.sentiment, "order": order and order.external_id})
    session.flush()
    return task


def _enter_order(session: Session, account_id: int, result: CallResult, company: Company) -> Order:
    assert result.ordered_on is not None
    assert result.amount is not None
    return enter_order(session, account_id=account_id, ordered_on=result.ordered_on, amount=result.amount,
                       currency=company.currency)


def _forget_number(session: Session, task: Task) -> None:
    contact = session.get(Contact, task.contact_id) if task.contact_id is not None else None
    if contact is not None and contact.phone:
        record(session, action="contact.forget_phone", subject="contact", subject_id=contact.id,
               before={"phone": contact.phone})
        contact.phone, contact.updated_at = None, clock.now()


def _keep_try(task: Task, result: CallResult) -> None:
    one: dict[str, Any] = {"at": clock.now().isoformat(), "by": actor().name, "outcome": result.outcome,
                           "sentiment": result.sentiment, "note": result.note}
    task.extra = {**(task.extra or {}), "tries": [*(task.extra or {}).get("tries", []), one]}
    task.outcome, task.sentiment, task.outcome_note = result.outcome, result.sentiment, result.note


def _again_on(task: Task, result: CallResult, company: Company, today: date) -> date | None:
    """The day of the next try; None when the call is over."""
    if result.outcome in STAYS_OPEN:
        return result.call_back_on
    if result.outcome != "not_reached":
        return None
    tries = sum(1 for one in (task.extra or {})["tries"] if one["outcome"] == "not_reached")
    return next_try(tries=tries, today=today, working_days=company.working_days)


def _finish(session: Session, task: Task, result: CallResult) -> None:
    task.state, task.done_at = "done", clock.now()
    if task.origin == "campaign" and task.origin_id:
        session.flush()
        end_step(session, delivery_id=int(task.origin_id), at=clock.now(), outcome=result.outcome)
    elif result.outcome == "meeting" and task.account_id is not None:
        note_meeting(session, account_id=task.account_id, contact_id=task.contact_id, at=clock.now(),
                     key=f"call-{task.id}")


def _note_touch(session: Session, task: Task, account_id: int, result: CallResult) -> None:
    """A campaign's call was counted at its hand-over; a call by hand counts when somebody was talked to."""
    is_counted = task.origin == "campaign" and session.scalar(
        select(Touch.id).where(Touch.delivery_id == int(task.origin_id or 0))) is not None
    if not is_counted and result.outcome in TALKED:
        record_touch(session, account_id=account_id, contact_id=task.contact_id, channel="call", at=clock.now(),
                     by_user_id=actor().user_id, note=task.title)


def _tell_timeline(session: Session, task: Task, account_id: int, result: CallResult, order: Order | None,
                   again_on: date | None) -> None:
    parts = [
        OUTCOMES[result.outcome],
        SENTIMENTS[result.sentiment].lower() if result.sentiment else "",
        f"order {order.external_id} worth {order.amount:,.2f} {order.currency}" if order else "",
        f"again on {again_on}" if again_on else "",
    ]
    add_account_event(session, account_id=account_id, contact_id=task.contact_id, kind="call", text=result.note,
                      title=f"Call: {', '.join(part for part in parts if part)}", link=f"/tasks/{task.id}")
