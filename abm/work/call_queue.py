"""The order of the call desk: promises at their time first, then by priority who can be called now, then the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, contains_eager, joinedload

from abm.accounts.models import Account
from abm.company.policy import Company
from abm.company.queries import company_today, get_company
from abm.contacts.models import Contact
from abm.orders.models import AccountDay
from abm.work.calling_hours import Clock, closed_clocks
from abm.work.models import Task
from campaigns.models import Delivery, Run
from core import clock
from core.db import UtcDateTime

PAGE = 50
USUAL_PRIORITY = 5
_LAST_TIER = "\uffff"


@dataclass(frozen=True, slots=True)
class QueuedCall:
    """A call that is due. `opens_at`: from when it can be made, None when it can be made now; `priority` of its
    campaign, 1 the most urgent; `is_promised`: the person was told this time."""

    task: Task
    opens_at: datetime | None
    priority: int
    is_promised: bool


def list_due_calls(session: Session, *, user_id: int | None, limit: int = PAGE,
                   free_only: bool = False) -> list[QueuedCall]:
    """Open calls due up to today. Call-backs whose time has come stand first; then who works now, by the campaign's
    priority, the account's tier, the due day and what the account has ordered; then who does not work now or is to be
    tried later, the earliest first.

    `user_id`: that person's own and nobody's; None: everybody's. `free_only` leaves out what somebody else has open.
    Calls without a day are due.
    """
    at, company = clock.now(), get_company(session)
    today = at.astimezone(ZoneInfo(company.timezone)).date()
    due = _is_due(today)
    if user_id is not None:
        due.append(or_(Task.owner_id == user_id, Task.owner_id.is_(None)))
    if free_only:
        due.append(is_free(user_id, at))
    opens_at = _opens_at(_closed(session, due, company, at), at)
    is_promised = and_(Task.outcome == "call_back", Task.ready_at.is_not(None))
    is_at_its_time = and_(is_promised, Task.ready_at <= at)
    group = case((is_at_its_time, 0), (opens_at > at, 2), else_=1)
    priority, ordered = func.coalesce(_priority(), USUAL_PRIORITY), _ordered(due)
    query = (
        _calls(select(Task, opens_at, priority, is_promised, group)).where(*due)
        .outerjoin(ordered, ordered.c.account_id == Task.account_id)
        .order_by(group, case((group == 2, opens_at), else_=literal(at, UtcDateTime)), priority,
                  func.coalesce(Account.tier, _LAST_TIER), func.coalesce(Task.due_on, today),
                  func.coalesce(ordered.c.value, 0).desc(), Task.id)
        .limit(limit)
    )
    return [QueuedCall(task, opening if place == 2 else None, urgency, bool(promised))
            for task, opening, urgency, promised, place in session.execute(query)]


def count_due_calls_of_others(session: Session, *, user_id: int) -> int:
    """Open calls due up to today that belong to somebody else."""
    owned = (Task.owner_id.is_not(None), Task.owner_id != user_id)
    return session.scalar(select(func.count(Task.id)).where(*_is_due(company_today(session)), *owned)) or 0


def _is_due(today: date) -> list[ColumnElement[bool]]:
    return [Task.kind == "call", Task.state == "open", func.coalesce(Task.due_on, today) <= today,
            *(~elsewhere for elsewhere in _ELSEWHERE)]


_ELSEWHERE: list[ColumnElement[bool]] = []


def keep_off_the_desk(is_elsewhere: ColumnElement[bool]) -> None:
    """A condition of a higher area on `Task`: such calls are made by somebody else than us."""
    _ELSEWHERE.append(is_elsewhere)


def is_free(user_id: int | None, at: datetime) -> ColumnElement[bool]:
    """Nobody has the call open, or this user has, or whoever had it went away."""
    return or_(Task.claimed_by_id.is_(None), Task.claimed_by_id == user_id, Task.claimed_until <= at)


def _calls(query: Select[Any]) -> Select[Any]:
    return (query.outerjoin(Account, Account.id == Task.account_id).outerjoin(Contact, Contact.id == Task.contact_id)
            .options(contains_eager(Task.account), contains_eager(Task.contact), joinedload(Task.owner)))


def _closed(session: Session, due: list[Any], company: Company, at: datetime) -> dict[Clock, datetime]:
    """The clocks of the people to be called on which it is not working time; far fewer than people."""
    rows = session.execute(
        select(Contact.timezone, Account.timezone, Account.country).select_from(Task)
        .outerjoin(Account, Account.id == Task.account_id).outerjoin(Contact, Contact.id == Task.contact_id)
        .where(*due).distinct())
    return closed_clocks((Clock(*row) for row in rows), company, at)


def _opens_at(closed: Mapping[Clock, datetime], at: datetime) -> ColumnElement[Any]:
    """From when a call can be made: the later of the person's hours and the time of the next try. A promised time
    holds whatever the hours say."""
    by_opening: dict[datetime, list[ColumnElement[bool]]] = {}
    for one, opening in closed.items():
        by_opening.setdefault(opening, []).append(and_(
            Contact.timezone.is_not_distinct_from(one.own_zone),
            Account.timezone.is_not_distinct_from(one.account_zone),
            Account.country.is_not_distinct_from(one.country)))
    now = literal(at, UtcDateTime)
    opens = case(*((or_(*clocks), literal(opening, UtcDateTime)) for opening, clocks in by_opening.items()),
                 else_=now) if by_opening else now
    later = case((Task.ready_at > opens, Task.ready_at), else_=opens)
    return case((and_(Task.outcome == "call_back", Task.ready_at.is_not(None)), Task.ready_at), else_=later)


def _priority() -> Any:
    """The priority of the campaign that asks for the call; NULL for a call by hand."""
    delivery_id = cast(case((Task.origin == "campaign", Task.origin_id)), BigInteger)
    return (select(Run.priority).join(Delivery, Delivery.run_id == Run.id).where(Delivery.id == delivery_id)
            .correlate(Task).scalar_subquery())


def _ordered(due: list[Any]) -> Subquery:
    """What each account with such a call has ordered in all, as whole ten-thousandths: summed once an account."""
    return (select(AccountDay.account_id, func.sum(type_coerce(AccountDay.amount, BigInteger)).label("value"))
            .where(AccountDay.account_id.in_(select(Task.account_id).where(*due)))
            .group_by(AccountDay.account_id).subquery("ordered"))
