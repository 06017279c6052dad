"""Writing members: set-based differences, and the stays in the list that they begin and end."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from abm.targets.models import ListMember, ListSpell, TargetList
from core import clock
from core.db import refresh_statistics
from core.id_lists import is_among

MANY = 1000
Ids = Sequence[int]


def select_entering(found: Select[Any], *, list_id: int) -> Select[Any]:
    """Ids in `found` that the list does not hold yet. Joins, since PostgreSQL tries a large NOT IN row by row."""
    ids = found.subquery("found")
    held = and_(ListMember.account_id == ids.c.id, ListMember.list_id == list_id)
    return select(ids.c.id).outerjoin(ListMember, held).where(ListMember.account_id.is_(None))


def select_leaving(found: Select[Any], *, list_id: int) -> Select[Any]:
    """Ids that the list holds and `found` does not have any more."""
    ids, held = found.subquery("found"), aliased(ListMember)
    rows = select(held.account_id.label("id")).outerjoin(ids, ids.c.id == held.account_id)
    return rows.where(held.list_id == list_id, ids.c.id.is_(None))


def put_members(session: Session, row: TargetList, found: Select[Any], *, how: str = "rule") -> tuple[int, int]:
    """Make `found` the members; returns how many entered and left. Those who stay keep the day of entering."""
    leaving = select_leaving(found, list_id=row.id)
    arriving = select_entering(found, list_id=row.id).subquery("arriving")
    gone = delete(ListMember).where(ListMember.list_id == row.id, ListMember.account_id.in_(leaving))
    new = select(literal(row.id), arriving.c.id, literal(clock.now(), ListMember.added_at.type), literal(how))
    entering = insert(ListMember).from_select(["list_id", "account_id", "added_at", "how"], new)
    left = session.connection().execute(gone).rowcount
    kept = count_members(session, row)
    session.execute(entering)
    entered = count_members(session, row) - kept  # an INSERT … SELECT has no row count everywhere
    if entered or left:
        settle_stays(session, row, left_how=how)
    if entered + left > MANY:
        refresh_statistics(session, "list_member", "list_spell")
    row.member_count = kept + entered
    session.flush()
    return entered, left


def put_some_members(session: Session, row: TargetList, found: Select[Any], only: Ids) -> tuple[int, int]:
    """As above for the accounts `only`, of which `found` belongs to the list; the rules are worked through once."""
    fitting = set(session.scalars(found).all())
    own = select(ListMember.account_id).where(ListMember.list_id == row.id, is_among(ListMember.account_id, only))
    held = set(session.scalars(own).all())
    left = take_out(session, row, sorted(held - fitting), how="rule")
    put_in(session, row, sorted(fitting - held), how="rule")
    row.member_count = count_members(session, row)  # also without those whose accounts are gone
    session.flush()
    return len(fitting - held), left


def settle_stays(session: Session, row: TargetList, *, left_how: str, only: Ids | None = None) -> None:
    """After members were written: end the stays of those who are gone, begin those of the new."""
    here: list[ColumnElement[bool]] = [ListSpell.list_id == row.id, ListSpell.left_at.is_(None)]
    still = exists().where(ListMember.list_id == row.id, ListMember.account_id == ListSpell.account_id)
    members: list[ColumnElement[bool]] = [ListMember.list_id == row.id]
    if only is not None:
        here.append(is_among(ListSpell.account_id, only))
        members.append(is_among(ListMember.account_id, only))
    session.connection().execute(update(ListSpell).where(*here, ~still).values(left_at=clock.now(), left_how=left_how))
    is_open = exists().where(ListSpell.list_id == row.id, ListSpell.account_id == ListMember.account_id,
                             ListSpell.left_at.is_(None))
    own = (ListMember.list_id, ListMember.account_id, ListMember.added_at, ListMember.how)
    new = select(*own).where(*members, ~is_open)
    session.connection().execute(
        insert(ListSpell).from_select(["list_id", "account_id", "entered_at", "entered_how"], new))


def count_members(session: Session, row: TargetList) -> int:
    count = select(func.count()).select_from(ListMember).where(ListMember.list_id == row.id)
    return session.scalar(count) or 0


def put_in(session: Session, row: TargetList, account_ids: Ids, *, how: str = "hand") -> None:
    """Let accounts enter a list; none of them may be in it."""
    now = clock.now()
    if account_ids:
        session.connection().execute(insert(ListMember), [
            {"list_id": row.id, "account_id": each, "added_at": now, "how": how} for each in account_ids])
        settle_stays(session, row, left_how=how, only=account_ids)


def take_out(session: Session, row: TargetList, account_ids: Ids, *, how: str = "hand") -> int:
    """Let accounts leave; returns how many were in the list."""
    if not account_ids:
        return 0
    gone = delete(ListMember).where(ListMember.list_id == row.id, is_among(ListMember.account_id, account_ids))
    left = session.connection().execute(gone).rowcount
    settle_stays(session, row, left_how=how, only=account_ids)
    return left
