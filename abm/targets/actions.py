"""Changing lists. Members are kept up to date by set-based differences: what is new goes in, what is gone goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.audit.actions import actor, record
from abm.targets.files import ListDefinition, to_document
from abm.targets.models import ListMember, TargetList
from abm.targets.previews import select_by_rules, select_entering, select_leaving
from abm.targets.queries import find_account_ids, find_list, get_definition, get_list, list_users_of
from abm.targets.rule_tree import to_raw
from abm.targets.scopes import refuse_circle, stored_rules
from core import clock
from core.db import refresh_statistics
from core.errors import Refused

_AT_ONCE = 500
MANY = 1000


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a list. `unknown`: ids that no account has; the rest was done."""

    row: TargetList
    is_new: bool
    is_changed: bool
    entered: int
    left: int
    unknown: tuple[str, ...] = ()


def save_list(session: Session, *, definition: ListDefinition) -> Applied:
    """Create the list or make it say what the definition says, and bring its members up to date.

    The same definition again changes nothing. Raises Refused for a list that would hold itself.
    """
    refuse_circle(session, name=definition.name, rule=definition.who)
    row, before = find_list(session, definition.name), None
    is_new = row is None
    if row is None:
        row = _add_list(session, definition)
    else:
        before = to_document(get_definition(session, row))
    is_changed = _describe(row, definition) and not is_new
    if definition.accounts is not None:
        entered, left, unknown = _set_members(session, row, definition.accounts)
    else:
        (entered, left), unknown = _refresh(session, row), ()
    if is_new or is_changed or (definition.is_static and (entered or left)):
        row.updated_at = clock.now()
        record(session, action="list.create" if is_new else "list.change", subject="list", subject_id=row.name,
               before=before, after=to_document(definition))
    session.flush()
    return Applied(row, is_new, is_changed, entered, left, unknown)


def _add_list(session: Session, definition: ListDefinition) -> TargetList:
    now = clock.now()
    row = TargetList(name=definition.name, title=definition.title, kind="static" if definition.is_static else "dynamic",
                     owner_id=actor().user_id, member_count=0, created_at=now, updated_at=now)
    session.add(row)
    session.flush()
    return row


def _describe(row: TargetList, definition: ListDefinition) -> bool:
    """Write title and rules to the row; True when they were other ones."""
    who = to_raw(definition.who) if definition.who is not None else None
    top = {"by": definition.top.by, "count": definition.top.count} if definition.top else None
    said = {"title": definition.title, "kind": "static" if definition.is_static else "dynamic", "who": who, "top": top}
    changed = {name: value for name, value in said.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def refresh_list(session: Session, *, name: str) -> TargetList:
    """Bring the members of a list by rules up to date with the data; one by hand stays as it is. Raises NotFound."""
    row = get_list(session, name)
    if row.kind == "dynamic":
        _refresh(session, row)
    return row


def _refresh(session: Session, row: TargetList) -> tuple[int, int]:
    session.flush()
    # Two refreshes of one list wait for each other on PostgreSQL; SQLite has one writer anyway.
    session.execute(select(TargetList.id).where(TargetList.id == row.id).with_for_update())
    rule, top = stored_rules(row)
    changes = _put_members(session, row, select_by_rules(session, rule=rule, top=top, within=(row.name,)), how="rule")
    row.refreshed_at = clock.now()
    session.flush()  # members may be streamed next, and a pending UPDATE would go through the same server-side cursor
    return changes


def _put_members(session: Session, row: TargetList, found: Select[Any], *, how: str) -> tuple[int, int]:
    """Make `found` the members; returns how many entered and left. Those who stay keep the day of entering."""
    leaving = select_leaving(found, list_id=row.id)
    arriving = select_entering(found, list_id=row.id).subquery("arriving")
    gone = delete(ListMember).where(ListMember.list_id == row.id, ListMember.account_id.in_(leaving))
    new = select(literal(row.id), arriving.c.id, literal(clock.now(), ListMember.added_at.type), literal(how))
    entering = insert(ListMember).from_select(["list_id", "account_id", "added_at", "how"], new)
    left = session.connection().execute(gone).rowcount
    kept = _number_of_members(session, row)
    session.execute(entering)
    entered = _number_of_members(session, row) - kept  # an INSERT … SELECT has no row count everywhere
    if entered + left > MANY:
        refresh_statistics(session, "list_member")
    _count_members(session, row)
    return entered, left


def _number_of_members(session: Session, row: TargetList) -> int:
    count = select(func.count()).select_from(ListMember).where(ListMember.list_id == row.id)
    return session.scalar(count) or 0


def _count_members(session: Session, row: TargetList) -> None:
    row.member_count = _number_of_members(session, row)
    session.flush()


def _set_members(session: Session, row: TargetList, external_ids: Sequence[str]) -> tuple[int, int, tuple[str, ...]]:
    """Make exactly these accounts the members; unknown ids are returned."""
    known = find_account_ids(session, external_ids)
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    wanted = set(known.values())
    _take_out(session, row, sorted(held - wanted))
    _put_in(session, row, sorted(wanted - held))
    was_by_rule = update(ListMember).where(ListMember.list_id == row.id, ListMember.how != "hand")
    session.execute(was_by_rule.values(how="hand"))
    _count_members(session, row)
    return len(wanted - held), len(held - wanted), tuple(each for each in external_ids if each not in known)


def _put_in(session: Session, row: TargetList, account_ids: Sequence[int]) -> None:
    now = clock.now()
    if account_ids:
        session.connection().execute(insert(ListMember), [
            {"list_id": row.id, "account_id": each, "added_at": now, "how": "hand"} for each in account_ids])


def _take_out(session: Session, row: TargetList, account_ids: Sequence[int]) -> None:
    for start in range(0, len(account_ids), _AT_ONCE):
        part = account_ids[start:start + _AT_ONCE]
        session.execute(delete(ListMember).where(ListMember.list_id == row.id, ListMember.account_id.in_(part)))


def add_accounts(session: Session, *, name: str, account_ids: Sequence[int]) -> int:
    """Put accounts (internal ids) into a list by hand; returns how many were new. Raises Refused for one by rules."""
    row = _get_static(session, name)
    known: set[int] = set()
    for start in range(0, len(account_ids), _AT_ONCE):
        part = account_ids[start:start + _AT_ONCE]
        known |= set(session.scalars(select(Account.id).where(Account.id.in_(part))))
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    new = sorted(known - held)
    _put_in(session, row, new)
    _settle_by_hand(session, row, "list.add", new)
    return len(new)


def remove_accounts(session: Session, *, name: str, account_ids: Sequence[int]) -> int:
    """Take accounts out of a list by hand; returns how many were in it. Raises Refused for a list by rules."""
    row = _get_static(session, name)
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    gone = sorted(held & set(account_ids))
    _take_out(session, row, gone)
    _settle_by_hand(session, row, "list.remove", gone)
    return len(gone)


def _settle_by_hand(session: Session, row: TargetList, action: str, account_ids: Sequence[int]) -> None:
    _count_members(session, row)
    if account_ids:
        row.updated_at = clock.now()
        record(session, action=action, subject="list", subject_id=row.name, after={"accounts": list(account_ids)})


def _get_static(session: Session, name: str) -> TargetList:
    row = get_list(session, name)
    if row.kind != "static":
        raise Refused(f"The list {row.title} is made by rules; change its rules instead")
    return row


def delete_list(session: Session, *, name: str) -> None:
    """Remove a list that nothing is built on. Raises NotFound, and Refused naming what still uses it."""
    row = get_list(session, name)
    users = list_users_of(session, name)
    if users:
        raise Refused(f"The list {name} is used by {', '.join(users)}; change that first")
    before = to_document(get_definition(session, row))
    record(session, action="list.delete", subject="list", subject_id=name, before=before)
    session.delete(row)
    session.flush()
