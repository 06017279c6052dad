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
from abm.targets.models import ListSpell

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


def _zone(session: Session) -> ZoneInfo:
    return ZoneInfo(get_company(session).timezone)


def _end_of(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _in_at(moment: datetime) -> ColumnElement[bool]:
    return (ListSpell.entered_at < moment) & or_(ListSpell.left_at.is_(None), ListSpell.left_at >= moment)


def _members_at(list_id: int, moment: datetime) -> Select[Any]:
    return select(ListSpell.account_id).where(ListSpell.list_id == list_id, _in_at(moment))


def find_differences(session: Session, *, list_id: int, first: date, last: date, limit: int | None = 50) -> Differences:
    """Who is in the list at the end of `last` and was not at the end of `first`, and the other way round."""
    zone = _zone(session)
    start, end = _end_of(zone, first), _end_of(zone, last)
    entered = _moved(list_id, here=end, not_here=start, at=ListSpell.entered_at, how=ListSpell.entered_how)
    left = _moved(list_id, here=start, not_here=end, at=ListSpell.left_at, how=ListSpell.left_how)
    return Differences(
        _count(session, _members_at(list_id, start)), _count(session, _members_at(list_id, end)),
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



def count_recent(session: Session, *, list_id: int, since: date) -> tuple[int, int]:
    """(stays begun, stays ended) from the day on; over indexes, whatever the size of the list."""
    start = _end_of(_zone(session), since - timedelta(days=1))
    begun = select(func.count()).select_from(ListSpell).where(ListSpell.list_id == list_id,
                                                             ListSpell.entered_at >= start)
    ended = select(func.count()).select_from(ListSpell).where(ListSpell.list_id == list_id, ListSpell.left_at >= start)
    return session.scalar(begun) or 0, session.scalar(ended) or 0
