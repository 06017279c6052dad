"""The rows a partner may see. Every query of the partner's own pages starts here and nowhere else."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.orders.models import Order
from abm.partners.models import Partner, PartnerAccount, PartnerOrder, PartnerTask, PartnerUser
from abm.work.models import Task
from core.errors import NotFound


def get_own_partner(session: Session, user_id: int) -> Partner:
    """The active partner that a user belongs to. Raises NotFound for everybody else."""
    found = session.scalar(select(Partner).join(PartnerUser, PartnerUser.partner_id == Partner.id)
                           .where(PartnerUser.user_id == user_id, Partner.is_active))
    if found is None:
        raise NotFound("You belong to no partner that works with us at present")
    return found


def select_own_accounts(partner: Partner) -> Select[Account, PartnerAccount]:
    """Rows (account, its assignment)."""
    return (select(Account, PartnerAccount).join(PartnerAccount, PartnerAccount.account_id == Account.id)
            .where(PartnerAccount.partner_id == partner.id))


def get_own_account(session: Session, partner: Partner, account_id: int) -> tuple[Account, PartnerAccount]:
    """Raises NotFound for an account of somebody else as for one that does not exist."""
    row = session.execute(select_own_accounts(partner).where(Account.id == account_id)).first()
    if row is None:
        raise NotFound("There is no such account")
    return row[0], row[1]


def select_own_tasks(partner: Partner) -> Select[Task]:
    """The tasks given to the partner, as long as their account is the partner's too."""
    return (select(Task).join(PartnerTask, PartnerTask.task_id == Task.id)
            .where(PartnerTask.partner_id == partner.id, _is_own(Task.account_id, partner)))


def get_own_task(session: Session, partner: Partner, task_id: int) -> Task:
    task = session.scalar(select_own_tasks(partner).where(Task.id == task_id))
    if task is None:
        raise NotFound("There is no such task")
    return task


def select_own_orders(partner: Partner) -> Select[Order, Account, PartnerOrder]:
    """Rows (order, account, how it was brought or None): those the partner brought, and the others of its accounts
    where it may see them."""
    brought = and_(PartnerOrder.order_id == Order.id, PartnerOrder.partner_id == partner.id)
    query = (select(Order, Account, PartnerOrder).join(Account, Account.id == Order.account_id)
             .outerjoin(PartnerOrder, brought).where(_is_own(Order.account_id, partner)))
    return query if partner.sees_all_orders else query.where(PartnerOrder.order_id.is_not(None))


def get_own_order(session: Session, partner: Partner, order_id: int) -> tuple[Order, Account, PartnerOrder | None]:
    row = session.execute(select_own_orders(partner).where(Order.id == order_id)).first()
    if row is None:
        raise NotFound("There is no such order")
    return row[0], row[1], row[2]


def _is_own(account_id: Any, partner: Partner) -> ColumnElement[bool]:
    own = aliased(PartnerAccount)
    return exists().where(own.account_id == account_id, own.partner_id == partner.id)
