"""How a call ended, and everything that follows at once: order, number, next try, cost, campaign, touch, timeline."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.company.policy import Company
from abm.contacts.models import Contact
from abm.offers.redeeming import redeem_code
from abm.orders.actions import enter_order
from abm.orders.models import Order
from abm.work.agreed_meetings import plan_meeting
from abm.work.call_costs import charge_touch, cost_of
from abm.work.calling_hours import Clock, hours_of, moment_of, zone_of
from abm.work.claims import find_holder
from abm.work.forms import CallResult
from abm.work.models import CallTry, Task
from abm.work.outcomes import OUTCOMES, SENTIMENTS, STAYS_OPEN, TALKED, next_try
from abm.work.queries import get_task
from abm.work.script_answers import say_answers
from campaigns.enrolment import end_step, note_meeting
from campaigns.gate import record_touch
from campaigns.models import Touch
from core import clock
from core.errors import InvalidInput, Refused

_OF_THIS_TRY = frozenset({"answers", "dial_anyway"})


def record_call(session: Session, *, task_id: int, result: CallResult, company: Company,
                note_order: Callable[[Order], None] | None = None) -> Task:
    """Keep how an open call ended and carry out what follows; all of it or nothing.

    call_back moves the call to the day and time on the person's clock; not_reached tries again on their next working
    day at another time of day, three times in all; wrong_number takes the number from the person and leaves the person;
    meeting plans a visit for its day, where one was said; order enters the order with its lines, redeems the code that
    was given and hands it to `note_order`. When the call is over, its campaign step ends. Every try stands on the
    timeline with its cost and counts as a touch, once.
    Raises Refused when the call is closed, has no account or is open on somebody else's screen; InvalidInput from the
    order, its code and a moment that is over.
    """
    task = get_task(session, task_id)
    account_id = task.account_id
    if task.state != "open" or task.kind != "call" or account_id is None:
        raise Refused("This call is not open any more")
    holder = find_holder(session, task, but=actor().user_id)
    if holder is not None:
        raise Refused(f"{holder.name} has this call open")
    with session.begin_nested():
        order = _enter_order(session, account_id, result, company) if result.outcome == "order" else None
        if order is not None and note_order is not None:
            note_order(order)
        if result.outcome == "wrong_number":
            _forget_number(session, task)
        made = _keep_try(session, task, result, company)
        _plan_again(task, result, company)
        if task.state == "done":
            _end_step(session, task, result)
        plan_meeting(session, task, on=result.meeting_on)
        _note_touch(session, task, account_id, result)
        _tell_timeline(session, task, account_id, result, order)
        record(session, action="call.outcome", subject="task", subject_id=task.id,
               after={"outcome": result.outcome, "sentiment": result.sentiment, "order": order and order.external_id,
                      "seconds": result.seconds, "cost": str(made.cost_amount)})
    return task


def _enter_order(session: Session, account_id: int, result: CallResult, company: Company) -> Order:
    assert result.ordered_on is not None
    order = enter_order(session, account_id=account_id, ordered_on=result.ordered_on, amount=result.amount,
                        lines=result.lines, currency=company.currency)
    if result.code:
        try:
            redeem_code(session, code=result.code, order_number=order.external_id)
        except InvalidInput as error:
            raise InvalidInput(str(error), {"code": " ".join(error.fields.values())}) from error
    return order


def _forget_number(session: Session, task: Task) -> None:
    contact = session.get(Contact, task.contact_id) if task.contact_id is not None else None
    if contact is not None and contact.phone:
        record(session, action="contact.forget_phone", subject="contact", subject_id=contact.id,
               before={"phone": contact.phone})
        contact.phone, contact.updated_at = None, clock.now()


def _keep_try(session: Session, task: Task, result: CallResult, company: Company) -> CallTry:
    """What was said stands with the call; how long it took and cost in a row of its own, to be added up."""
    extra = task.extra or {}
    one: dict[str, Any] = {"at": clock.now().isoformat(), "by": actor().name, "outcome": result.outcome,
                           "sentiment": result.sentiment, "note": result.note, "answers": say_answers(task)}
    task.extra = {**{name: value for name, value in extra.items() if name not in _OF_THIS_TRY},
                  "tries": [*extra.get("tries", []), one]}
    task.outcome, task.sentiment, task.outcome_note = result.outcome, result.sentiment, result.note
    task.claimed_by_id = task.claimed_until = None
    cost = cost_of(result.seconds, company.call_minute_cost) if result.seconds else Decimal(0)
    made = CallTry(task_id=task.id, user_id=actor().user_id, at=clock.now(), outcome=result.outcome,
                   sentiment=result.sentiment, seconds=result.seconds, cost_amount=cost)
    session.add(made)
    session.flush()
    return made


def clock_of(task: Task) -> Clock:
    """What decides when the person of a call works."""
    return Clock(task.contact.timezone if task.contact else None, task.account.timezone if task.account else None,
                 task.account.country if task.account else None)


def _plan_again(task: Task, result: CallResult, company: Company) -> None:
    """Set when the call comes back, or close it."""
    own = ZoneInfo(company.timezone)
    if result.outcome in STAYS_OPEN:
        task.ready_at = _promised_at(task, result, company)
        task.due_on = task.ready_at.astimezone(own).date() if task.ready_at else result.call_back_on
        return
    tries = sum(1 for one in (task.extra or {})["tries"] if one["outcome"] == "not_reached")
    again_at = None
    if result.outcome == "not_reached":
        again_at = next_try(tries=tries, at=clock.now(), hours=hours_of(company), zone=zone_of(clock_of(task), company),
                            country=(task.account.country if task.account else None) or "")
    if again_at is None:
        task.state, task.done_at = "done", clock.now()
    else:
        task.ready_at, task.due_on = again_at, again_at.astimezone(own).date()


def _promised_at(task: Task, result: CallResult, company: Company) -> datetime | None:
    if result.call_back_on is None or result.call_back_time is None:
        return None
    zone = zone_of(clock_of(task), company)
    moment = moment_of(result.call_back_on, result.call_back_time, zone)
    if moment < clock.now():
        raise InvalidInput("The call was not saved", {"call_back_time": f"This time is over in {zone}."})
    return moment


def _end_step(session: Session, task: Task, result: CallResult) -> None:
    if task.origin == "campaign" and task.origin_id:
        session.flush()
        end_step(session, delivery_id=int(task.origin_id), at=clock.now(), outcome=result.outcome)
    elif result.outcome == "meeting" and task.account_id is not None:
        note_meeting(session, account_id=task.account_id, contact_id=task.contact_id, at=clock.now(),
                     key=f"call-{task.id}")


def _note_touch(session: Session, task: Task, account_id: int, result: CallResult) -> None:
    """A campaign's call was counted at its hand-over; a call by hand counts when somebody was talked to."""
    counted = session.scalar(select(Touch).where(Touch.delivery_id == int(task.origin_id or 0))) \
        if task.origin == "campaign" else None
    if counted is None and result.outcome in TALKED:
        counted = record_touch(session, account_id=account_id, contact_id=task.contact_id, channel="call",
                               at=clock.now(), by_user_id=actor().user_id, note=task.title)
    charge_touch(session, counted, task.id)


def _tell_timeline(session: Session, task: Task, account_id: int, result: CallResult, order: Order | None) -> None:
    parts = [
        OUTCOMES[result.outcome],
        SENTIMENTS[result.sentiment].lower() if result.sentiment else "",
        f"order {order.external_id} worth {order.amount:,.2f} {order.currency}" if order else "",
        f"again on {task.due_on}" if task.state == "open" else "",
    ]
    add_account_event(session, account_id=account_id, contact_id=task.contact_id, kind="call", text=result.note,
                      title=f"Call: {', '.join(part for part in parts if part)}", link=f"/tasks/{task.id}")
