"""Who was in a list on a day, and what differs between two days. Days are the company's, members those at their end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.targets.models import ListSpell, ListVeto

COLUMNS = ("change", "account_id", "name", "at", "how")


@dataclass(frozen=True, slots=True)
class Moved:
    """An account that entered or left; `at` the last time it did so, `how`: rule, hand or veto."""

    account_id: str
    name: str
    at: datetime
    how: str
    id: int


@dataclass(frozen=True, slots=True)
class Differences:
    """`before` and `after`: how many members at the end of either day. The rows stop at the limit asked for."""

    before: int
    after: int
    entered: int
    left: int
    entered_rows: Sequence[Moved]
    left_rows: Sequence[Moved]


def _end_of(session: Session, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(get_company(session).timezone))


def _in_at(moment: datetime) -> ColumnElement[bool]:
    return (ListSpell.entered_at < moment) & or_(ListSpell.left_at.is_(None), ListSpell.left_at >= moment)


def _members_at(list_id: int, moment: datetime) -> Select[Any]:
    return select(ListSpell.account_id).where(ListSpell.list_id == list_id, _in_at(moment))


def count_members_on(session: Session, *, list_id: int, day: date) -> int:
    """How many accounts were in the list at the end of the day."""
    members = _members_at(list_id, _end_of(session, day)).subquery()
    return session.scalar(select(func.count()).select_from(members)) or 0


def iterate_members_on(session: Session, *, list_id: int, day: date) -> Any:
    """(account_id, name, entered_at, how) of the members at the end of the day, by account id."""
    rows = select(Account.external_id, Account.name, ListSpell.entered_at, ListSpell.entered_how)
    rows = rows.join(ListSpell, ListSpell.account_id == Account.id).where(ListSpell.list_id == list_id)
    return session.execute(rows.where(_in_at(_end_of(session, day))).order_by(Account.external_id))


def find_differences(session: Session, *, list_id: int, first: date, last: date, limit: int | None = 50) -> Differences:
    """Who is in the list at the end of `last` and was not at the end of `first`, and the other way round."""
    start, end = _end_of(session, first), _end_of(session, last)
    entered = _moved(list_id, here=end, not_here=start, at=ListSpell.entered_at, how=ListSpell.entered_how)
    left = _moved(list_id, here=start, not_here=end, at=ListSpell.left_at, how=ListSpell.left_how)
    return Differences(
        count_members_on(session, list_id=list_id, day=first), count_members_on(session, list_id=list_id, day=last),
        _count(session, entered), _count(session, left), _rows(session, entered, limit), _rows(session, left, limit))


def _moved(list_id: int, *, here: datetime, not_here: datetime, at: Any, how: Any) -> Select[Any]:
    rows = select(Account.external_id, Account.name, at, how, Account.id)
    rows = rows.join(ListSpell, ListSpell.account_id == Account.id).where(ListSpell.list_id == list_id, _in_at(here))
    return rows.where(Account.id.not_in(_members_at(list_id, not_here).correlate(None))).order_by(at.desc(), Account.id)


def _count(session: Session, rows: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(rows.order_by(None).subquery())) or 0


def _rows(session: Session, rows: Select[Any], limit: int | None) -> list[Moved]:
    return [Moved(*row) for row in session.execute(rows if limit is None else rows.limit(limit))]


def find_stays(session: Session, *, list_id: int, account_id: int) -> Sequence[ListSpell]:
    """When the account was in the list, newest first."""
    rows = select(ListSpell).where(ListSpell.list_id == list_id, ListSpell.account_id == account_id)
    return session.scalars(rows.order_by(ListSpell.entered_at.desc()).limit(10)).all()


def find_active_veto(session: Session, *, list_id: int, account_id: int) -> ListVeto | None:
    """The veto that keeps the account out of the list now."""
    rows = select(ListVeto).where(ListVeto.list_id == list_id, ListVeto.account_id == account_id)
    return session.scalars(rows.where(ListVeto.ended_at.is_(None))).first()
