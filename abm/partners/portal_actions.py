"""What a partner's people do with their share: finish tasks or give them back, enter orders."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor
from abm.company.policy import Company
from abm.orders.actions import NewLine, enter_order
from abm.orders.models import Order
from abm.partners.actions import take_task_back
from abm.partners.models import Partner, PartnerOrder
from abm.partners.scope import get_own_account, get_own_task
from abm.work.actions import finish_task
from abm.work.calls import record_call
from abm.work.forms import CallResult, VisitResult
from abm.work.models import Task
from abm.work.visits import record_visit
from core import clock
from core.errors import InvalidInput


def finish_own_task(session: Session, partner: Partner, *, task_id: int, note: str) -> Task:
    """The partner did the task. Raises NotFound for a task that is not its own, InvalidInput without a word on what
    came of it."""
    get_own_task(session, partner, task_id)
    if not note:
        raise InvalidInput("The task stays open", {"note": "Say what came of it."})
    return finish_task(session, task_id=task_id, note=note)


def end_own_contact(session: Session, partner: Partner, *, task_id: int, result: CallResult | VisitResult,
                    company: Company) -> Task:
    """How the partner's call or visit ended, with everything that follows as if a colleague had said it."""
    get_own_task(session, partner, task_id)
    if isinstance(result, CallResult):
        return record_call(session, task_id=task_id, result=result, company=company,
                           note_order=lambda order: _note_brought(session, partner, order))
    return record_visit(session, task_id=task_id, result=result, company=company)


def give_own_task_back(session: Session, partner: Partner, *, task_id: int, reason: str) -> None:
    """The partner cannot do it; the colleague who owns it reads why."""
    task = get_own_task(session, partner, task_id)
    if not reason:
        raise InvalidInput("The task stays yours", {"reason": "Say why you cannot do it."})
    take_task_back(session, task_id=task_id, reason=reason)
    if task.account_id is not None:
        add_account_event(session, account_id=task.account_id, kind="partner", text=reason, link=f"/tasks/{task_id}",
                          title=f"{partner.name} gave back: {task.title}")


def bring_order(session: Session, partner: Partner, *, account_id: int, ordered_on: date, lines: Sequence[NewLine],
                amount: Decimal | None, number: str = "") -> Order:
    """An order of one of the partner's accounts, counted like any other. Raises NotFound for an account of somebody
    else, InvalidInput as `enter_order` does."""
    account, _given = get_own_account(session, partner, account_id)
    order = enter_order(session, account_id=account.id, ordered_on=ordered_on, lines=lines, external_id=number,
                        amount=None if lines else amount or Decimal(0))
    _note_brought(session, partner, order)
    add_account_event(session, account_id=account.id, kind="partner", link=f"/orders/{order.id}",
                      title=f"Order {order.external_id} worth {order.amount:,.2f} {order.currency} brought by "
                            f"{partner.name}")
    return order


def _note_brought(session: Session, partner: Partner, order: Order) -> None:
    order.status = "entered by partner"
    session.add(PartnerOrder(order_id=order.id, partner_id=partner.id, user_id=actor().user_id,
                             entered_at=clock.now()))
    session.flush()
