"""Changing lists. Members are kept up to date by set-based differences: what is new goes in, what is gone goes out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.audit.actions import actor, record
from abm.targets.agreement import void_sign_offs
from abm.targets.files import ListDefinition, to_document
from abm.targets.membership import count_members, put_in, take_out
from abm.targets.models import ListMember, ListVeto, TargetList
from abm.targets.queries import find_account_ids, find_list, get_definition, get_list, list_users_of
from abm.targets.refreshing import bring_up_to_date, spread_changes
from abm.targets.rule_tree import to_raw
from abm.targets.scopes import refuse_circle
from core import clock
from core.errors import Refused

_AT_ONCE = 500


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
    changed = _describe(row, definition)
    is_changed = bool(changed) and not is_new
    if definition.accounts is not None:
        entered, left, unknown = _set_members(session, row, definition.accounts)
    else:
        (entered, left), unknown = bring_up_to_date(session, row, everybody=True), ()
    if is_new or is_changed or (definition.is_static and (entered or left)):
        row.updated_at = clock.now()
        if changed - {"title"} or (definition.is_static and (entered or left)):
            void_sign_offs(session, row, reason=f"the rules were changed by {actor().name}")
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


def _describe(row: TargetList, definition: ListDefinition) -> set[str]:
    """Write title and rules to the row; the names of what was another."""
    who = to_raw(definition.who) if definition.who is not None else None
    top = {"by": definition.top.by, "count": definition.top.count} if definition.top else None
    said = {"title": definition.title, "kind": "static" if definition.is_static else "dynamic", "who": who, "top": top}
    changed = {name: value for name, value in said.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return set(changed)


def refresh_list(session: Session, *, name: str, everybody: bool = False) -> TargetList:
    """Bring the members of a list by rules up to date with the data; one by hand stays as it is. Raises NotFound.

    Judges the accounts that changed since, or (`everybody`) all of them.
    """
    row = get_list(session, name)
    if row.kind == "dynamic":
        spread_changes(session)
        bring_up_to_date(session, row, everybody=everybody)
    return row


def _set_members(session: Session, row: TargetList, external_ids: Sequence[str]) -> tuple[int, int, tuple[str, ...]]:
    """Make exactly these accounts the members; unknown ids are returned."""
    known = find_account_ids(session, external_ids)
    vetoed = _remember_vetoed(session, row, set(known.values()))
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    wanted = set(known.values()) - vetoed
    take_out(session, row, sorted(held - wanted))
    put_in(session, row, sorted(wanted - held))
    was_by_rule = update(ListMember).where(ListMember.list_id == row.id, ListMember.how != "hand")
    session.execute(was_by_rule.values(how="hand"))
    _count_members(session, row)
    return len(wanted - held), len(held - wanted), tuple(each for each in external_ids if each not in known)


def _remember_vetoed(session: Session, row: TargetList, wanted: set[int]) -> set[int]:
    """Of the accounts meant those that sales keeps out; they enter when their veto ends."""
    vetoes = session.scalars(select(ListVeto).where(ListVeto.list_id == row.id, ListVeto.ended_at.is_(None))).all()
    for veto in vetoes:
        veto.was_member = veto.was_member or veto.account_id in wanted
    return {veto.account_id for veto in vetoes} & wanted


def _count_members(session: Session, row: TargetList) -> None:
    row.member_count = count_members(session, row)
    session.flush()


def add_accounts(session: Session, *, name: str, account_ids: Sequence[int]) -> int:
    """Put accounts (internal ids) into a list by hand; returns how many were new. Raises Refused for one by rules."""
    row = _get_static(session, name)
    known: set[int] = set()
    for start in range(0, len(account_ids), _AT_ONCE):
        part = account_ids[start:start + _AT_ONCE]
        known |= set(session.scalars(select(Account.id).where(Account.id.in_(part))))
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    new = sorted(known - held - _remember_vetoed(session, row, known))
    put_in(session, row, new)
    _settle_by_hand(session, row, "list.add", new)
    return len(new)


def remove_accounts(session: Session, *, name: str, account_ids: Sequence[int]) -> int:
    """Take accounts out of a list by hand; returns how many were in it. Raises Refused for a list by rules."""
    row = _get_static(session, name)
    held = set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == row.id)))
    gone = sorted(held & set(account_ids))
    take_out(session, row, gone)
    _settle_by_hand(session, row, "list.remove", gone)
    return len(gone)


def _settle_by_hand(session: Session, row: TargetList, action: str, account_ids: Sequence[int]) -> None:
    _count_members(session, row)
    if account_ids:
        row.updated_at = clock.now()
        void_sign_offs(session, row, reason=f"the accounts were changed by {actor().name}")
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
