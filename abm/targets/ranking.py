"""The place of one account in a list cut to its first few, told from its members: nobody else is judged again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.targets.compile import accounts_with, rank_column
from abm.targets.models import ListMember
from abm.targets.rule_tree import Top
from abm.targets.sources import Scope


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a full list ends: its last member has `last` by the field `by`, the account in question `own`."""

    by: str
    count: int
    own: Any
    last: Any

    def to_json(self) -> dict[str, Any]:
        return {"by": self.by, "count": self.count, "own": self.own, "last": self.last}


@dataclass(frozen=True, slots=True)
class Place:
    """`rank` is None where the account is cut off; `candidates` where the list is full, since only the rules of all
    accounts could tell how many more would fit."""

    rank: int | None
    candidates: int | None
    cut: Cut | None


def find_place(session: Session, *, list_id: int, top: Top, account_id: int, scope: Scope) -> Place:
    """The place of an account that fits the rules, among the members as they were last judged."""
    column = rank_column(top, scope)
    everyone = accounts_with({top.by}, scope)
    own, name = session.execute(
        select(column, Account.external_id).select_from(everyone).where(Account.id == account_id)).one()
    others = and_(ListMember.list_id == list_id, ListMember.account_id == Account.id, Account.id != account_id)
    known = _counted(column, _is_ahead(column, own, name)).select_from(everyone.join(ListMember, others))
    count, ahead, last = session.execute(known).one()
    if ahead >= top.count:
        return Place(None, None, Cut(top.by, top.count, own, last))
    return Place(ahead + 1, count + 1 if count + 1 < top.count else None, None)


def _counted(column: ColumnElement[Any], is_ahead: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return select(func.count(), func.count().filter(is_ahead), func.min(column))


def _is_ahead(column: ColumnElement[Any], own: Any, name: str) -> ColumnElement[bool]:
    """The order of a cut: the highest first, the unknown last, ties by the source system's id."""
    is_earlier = Account.external_id < name
    if own is None:
        return or_(column.is_not(None), is_earlier)
    mine = literal(own, column.type)
    return or_(column > mine, and_(column == mine, is_earlier))
