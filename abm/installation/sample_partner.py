"""The sample company's partner: a wholesaler with the accounts of two countries, a task and somebody who signs in."""

from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import Order
from abm.partners.actions import assign_accounts, create_partner, give_tasks, let_in
from abm.partners.forms import PartnerValues
from abm.partners.models import PartnerAccount, PartnerOrder
from abm.users.models import User
from abm.web.permissions import Role
from abm.work.actions import create_task
from abm.work.forms import TaskValues
from core import clock

COUNTRIES = ("AT", "CH")
_BROUGHT = 12


def add_sample_partner(session: Session, today: date) -> None:
    """Through the same actions as a person's; its orders are the latest ones of its accounts."""
    partner = create_partner(session, values=PartnerValues(
        name="Alpine Wholesale", kind="wholesaler", region="Austria and Switzerland", note="", sees_people=True,
        sees_all_orders=True))
    assign_accounts(session, partner_id=partner.id, chosen=select(Account.id).where(Account.country.in_(COUNTRIES)))
    user = session.scalar(select(User).where(User.role == Role.PARTNER))
    if user is not None:
        let_in(session, partner_id=partner.id, user=user)
    owner = session.scalar(select(User.id).where(User.role == Role.MARKETER).order_by(User.id))
    accounts = session.scalars(select(PartnerAccount.account_id).order_by(PartnerAccount.account_id).limit(2)).all()
    tasks = [create_task(session, values=TaskValues(
        title="Show what is new and bring back what they say", kind="task", due_on=today + timedelta(days=4 + place),
        note="Samples are on their way to you. Ask what sells beside them.", owner_id=owner, account_id=account_id,
        contact_id=None, script="")).id for place, account_id in enumerate(accounts)]
    give_tasks(session, partner_id=partner.id, task_ids=tasks)
    latest = session.scalars(
        select(Order.id).join(PartnerAccount, PartnerAccount.account_id == Order.account_id)
        .where(Order.is_cancelled.is_(False), func.mod(Order.id, 2) == 0)
        .order_by(Order.ordered_on.desc(), Order.id.desc()).limit(_BROUGHT)).all()
    session.add_all(PartnerOrder(order_id=order_id, partner_id=partner.id, user_id=user and user.id,
                                 entered_at=clock.now()) for order_id in latest)
    session.flush()
