"""Reading partners with their share: for colleagues."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, case, exists, func, select
from sqlalchemy.orm import Session, joinedload

from abm.accounts.models import Account
from abm.orders.models import Order
from abm.partners.models import Partner, PartnerAccount, PartnerOrder, PartnerTask, PartnerUser
from abm.users.models import User
from abm.work.models import Task
from core import clock
from core.errors import NotFound

YEAR = timedelta(days=365)
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Share:
    """A partner with its figures: orders of the last year that it brought, tasks done in the last 90 days."""

    partner: Partner
    users: int = 0
    accounts: int = 0
    open_tasks: int = 0
    late_tasks: int = 0
    done_tasks: int = 0
    orders: int = 0
    amount: Decimal = Decimal(0)


def get_partner(session: Session, partner_id: int) -> Partner:
    partner = session.get(Partner, partner_id)
    if partner is None:
        raise NotFound("There is no such partner")
    return partner


def find_partner_by_name(session: Session, name: str) -> Partner:
    """The partner of this name in any case. Raises NotFound."""
    found = session.scalar(select(Partner).where(func.lower(Partner.name) == name.strip().lower()))
    if found is None:
        raise NotFound(f"There is no partner {name}")
    return found


def list_partners(session: Session, *, only_active: bool = False) -> Sequence[Partner]:
    query = select(Partner).order_by(Partner.name)
    return session.scalars(query.where(Partner.is_active) if only_active else query).all()


def measure_shares(session: Session, *, today: date, partner_id: int | None = None) -> list[Share]:
    """Every partner (or the one) with its figures, active ones first, by name: four queries however many there are."""

    def by_partner(query: Select[*tuple[Any, ...]]) -> dict[int, Any]:
        chosen = query if partner_id is None else query.where(query.selected_columns[0] == partner_id)
        return {row[0]: row for row in session.execute(chosen.group_by(query.selected_columns[0]))}

    is_open = Task.state == "open"
    users = by_partner(select(PartnerUser.partner_id, func.count()))
    accounts = by_partner(select(PartnerAccount.partner_id, func.count()))
    tasks = by_partner(
        select(PartnerTask.partner_id, func.sum(case((is_open, 1), else_=0)),
               func.sum(case((is_open & (Task.due_on < today), 1), else_=0)),
               func.sum(case(((Task.state == "done") & (Task.done_at > clock.now() - LATELY), 1), else_=0)))
        .join(Task, Task.id == PartnerTask.task_id))
    orders = by_partner(
        select(PartnerOrder.partner_id, func.count(), func.sum(Order.amount))
        .join(Order, Order.id == PartnerOrder.order_id)
        .where(Order.is_cancelled.is_(False), Order.ordered_on > today - YEAR))
    wanted = select(Partner).order_by(Partner.is_active.desc(), Partner.name)
    if partner_id is not None:
        wanted = wanted.where(Partner.id == partner_id)
    none = (0, 0, 0, 0)
    return [Share(one, users.get(one.id, none)[1], accounts.get(one.id, none)[1], *tasks.get(one.id, none)[1:],
                  *(orders.get(one.id) or (0, 0, Decimal(0)))[1:]) for one in session.scalars(wanted)]


def list_partner_users(session: Session, partner_id: int) -> Sequence[User]:
    return session.scalars(select(User).join(PartnerUser, PartnerUser.user_id == User.id)
                           .where(PartnerUser.partner_id == partner_id).order_by(User.name, User.id)).all()


def select_partner_accounts(partner_id: int, *, today: date) -> Select[*tuple[Any, ...]]:
    """Rows (account, its assignment, open tasks there that are the partner's, last order day, what it ordered in the
    last year)."""
    tasks = (select(func.count()).select_from(PartnerTask).join(Task, Task.id == PartnerTask.task_id)
             .where(PartnerTask.partner_id == partner_id, Task.account_id == Account.id, Task.state == "open")
             .scalar_subquery())
    own = (Order.account_id == Account.id) & Order.is_cancelled.is_(False)
    last = select(func.max(Order.ordered_on)).where(own).scalar_subquery()
    bought = select(func.sum(Order.amount)).where(own, Order.ordered_on > today - YEAR).scalar_subquery()
    return (select(Account, PartnerAccount, tasks.label("tasks"), last.label("last_on"), bought.label("amount"))
            .join(PartnerAccount, PartnerAccount.account_id == Account.id)
            .where(PartnerAccount.partner_id == partner_id))


def list_partner_tasks(session: Session, partner_id: int, *, limit: int = 50) -> Sequence[Task]:
    """Open tasks that the partner has, the earliest due first."""
    query = (select(Task).join(PartnerTask, PartnerTask.task_id == Task.id)
             .options(joinedload(Task.account), joinedload(Task.contact), joinedload(Task.owner))
             .where(PartnerTask.partner_id == partner_id, Task.state == "open")
             .order_by(Task.due_on.is_(None), Task.due_on, Task.id))
    return session.scalars(query.limit(limit)).all()


def list_tasks_to_give(session: Session, partner_id: int, *, limit: int = 50) -> Sequence[Task]:
    """Open tasks of the partner's accounts that no partner has yet."""
    query = (select(Task).join(PartnerAccount, PartnerAccount.account_id == Task.account_id)
             .outerjoin(PartnerTask, PartnerTask.task_id == Task.id).options(joinedload(Task.account))
             .where(PartnerAccount.partner_id == partner_id, Task.state == "open", PartnerTask.task_id.is_(None))
             .order_by(Task.due_on.is_(None), Task.due_on, Task.id))
    return session.scalars(query.limit(limit)).all()


def select_brought_orders(partner_id: int) -> Select[*tuple[Any, ...]]:
    """Rows (order, account, its entry, who entered it) of what the partner brought, the latest first."""
    return (select(Order, Account, PartnerOrder, User.name).join(PartnerOrder, PartnerOrder.order_id == Order.id)
            .join(Account, Account.id == Order.account_id).outerjoin(User, User.id == PartnerOrder.user_id)
            .where(PartnerOrder.partner_id == partner_id).order_by(Order.ordered_on.desc(), Order.id.desc()))


def find_partner_of(session: Session, account_id: int) -> Row[Partner, PartnerAccount] | None:
    return session.execute(select(Partner, PartnerAccount).join(PartnerAccount, PartnerAccount.partner_id == Partner.id)
                           .where(PartnerAccount.account_id == account_id)).first()


ACCOUNT_COLUMNS = ("account_id", "account", "city", "country", "assigned_at", "assigned_by", "open_tasks",
                   "last_order_on", "ordered_12m")
ORDER_COLUMNS = ("order_id", "account_id", "account", "ordered_on", "amount", "currency", "entered_by", "entered_at")
TASK_COLUMNS = ("task", "kind", "account_id", "account", "due_on", "state", "outcome", "outcome_note", "owner_email",
                "given_at", "given_by", "done_at")


def export_accounts(session: Session, partner_id: int, *, today: date) -> Iterator[Sequence[Any]]:
    rows = session.execute(select_partner_accounts(partner_id, today=today).order_by(Account.name_key, Account.id),
                           execution_options={"yield_per": 5_000})
    for account, given, tasks, last_on, amount in rows:
        yield (account.external_id, account.name, account.city, account.country, given.assigned_at, given.assigned_by,
               tasks, last_on, amount)


def export_tasks(session: Session, partner_id: int) -> Iterator[Sequence[Any]]:
    yield from session.execute(
        select(Task.title, Task.kind, Account.external_id, Account.name, Task.due_on, Task.state, Task.outcome,
               Task.outcome_note, User.email, PartnerTask.given_at, PartnerTask.given_by, Task.done_at)
        .join(PartnerTask, PartnerTask.task_id == Task.id).outerjoin(Account, Account.id == Task.account_id)
        .outerjoin(User, User.id == Task.owner_id).where(PartnerTask.partner_id == partner_id).order_by(Task.id),
        execution_options={"yield_per": 5_000})


def export_orders(session: Session, partner_id: int) -> Iterator[Sequence[Any]]:
    for order, account, entry, name in session.execute(select_brought_orders(partner_id),
                                                       execution_options={"yield_per": 5_000}):
        yield (order.external_id, account.external_id, account.name, order.ordered_on, order.amount, order.currency,
               name, entry.entered_at)


def count_without_partner(session: Session, account_ids: Select[int]) -> int:
    """How many of these accounts no active partner looks after."""
    chosen = account_ids.subquery()
    own = exists().where(PartnerAccount.account_id == chosen.c[0], Partner.id == PartnerAccount.partner_id,
                         Partner.is_active)
    return session.scalar(select(func.count()).select_from(chosen).where(~own)) or 0
