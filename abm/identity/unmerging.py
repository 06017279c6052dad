"""Taking a merge back: each step in reverse, set by set. What was changed since by others stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, exists, func, literal, select, update
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.keys import refresh_keys_of
from abm.audit.actions import actor, record
from abm.identity.models import DuplicatePair, Merge, MergeStep
from abm.identity.moving import is_row, put_row
from abm.identity.queries import get_merge
from abm.identity.rules import RULES
from abm.identity.special import table
from abm.identity.stored import from_json, to_json
from abm.orders.account_days import drop_empty_days, refresh_account_days
from campaigns.stops import bump
from core import clock
from core.db import Base, Id
from core.errors import Refused


@dataclass(frozen=True)
class _Back:
    """`restored`: the number under which the dropped one comes back (its own, unless that was given away since)."""

    session: Session
    merge: Merge
    restored: int

    def as_restored(self, what: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        rules, merge = RULES[self.merge.subject], self.merge
        fixed = {name: self.restored for name, value in values.items()
                 if value == merge.dropped_id and (f"{what.name}.{name}" in rules
                                                   or (what.name == merge.subject and name == "id"))}
        return {**values, **fixed}


def unmerge(session: Session, *, merge_id: int) -> Merge:
    """Undo a merge. Raises NotFound; Refused when it was undone already, when the kept one is gone, or when it was
    merged again since (undo that first)."""
    merge = get_merge(session, merge_id, for_update=True)
    _refuse_what_cannot_be(session, merge)
    what = table(merge.subject)
    is_taken = session.scalar(select(exists().where(what.c.id == merge.dropped_id)))
    restored = (session.scalar(select(func.max(what.c.id))) or 0) + 1 if is_taken else merge.dropped_id
    back = _Back(session, merge, restored)
    steps = session.execute(select(
        MergeStep.id, MergeStep.kind, MergeStep.table_name, MergeStep.column_name, MergeStep.row_key, MergeStep.before,
        MergeStep.after).where(MergeStep.merge_id == merge.id, MergeStep.row_id.is_(None))
        .order_by(MergeStep.id.desc())).all()
    moved = _moved_sets(session, merge)
    for step in steps:
        while moved and moved[-1][0] > step.id:
            _move_back(back, *moved.pop()[1:])
        _take_back(back, step)
    while moved:
        _move_back(back, *moved.pop()[1:])
    if merge.subject == "account":
        _split_order_days(back)
    _end(back)
    return merge


def _refuse_what_cannot_be(session: Session, merge: Merge) -> None:
    if merge.undone_at is not None:
        raise Refused("This merge was undone already")
    what = table(merge.subject)
    if session.scalar(select(what.c.id).where(what.c.id == merge.kept_id).with_for_update()) is None:
        raise Refused("What was kept is no longer there; if it was merged itself, undo that merge first")
    later = session.scalar(select(Merge.dropped_name).where(
        Merge.subject == merge.subject, Merge.kept_id == merge.kept_id, Merge.id > merge.id,
        Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(1))
    if later is not None:
        raise Refused(f"{merge.kept_name} was merged with {later} since; undo that merge first")


def _moved_sets(session: Session, merge: Merge) -> list[tuple[int, str, str]]:
    """(highest step, table, column) of rows moved by number, the latest last."""
    rows = session.execute(
        select(func.max(MergeStep.id), MergeStep.table_name, MergeStep.column_name)
        .where(MergeStep.merge_id == merge.id, MergeStep.row_id.is_not(None))
        .group_by(MergeStep.table_name, MergeStep.column_name)).all()
    return sorted((number, name, column) for number, name, column in rows)


def _move_back(back: _Back, table_name: str, column_name: str) -> None:
    what = Base.metadata.tables.get(table_name)
    if what is None or column_name not in what.c:
        return
    column = what.c[column_name]
    noted = select(MergeStep.row_id).where(
        MergeStep.merge_id == back.merge.id, MergeStep.table_name == table_name,
        MergeStep.column_name == column_name, MergeStep.row_id.is_not(None))
    back.session.execute(update(what).where(column == back.merge.kept_id, what.c.id.in_(noted))
                         .values({column_name: back.restored}))


def _take_back(back: _Back, step: Any) -> None:
    what = Base.metadata.tables.get(step.table_name)
    if what is None:
        return
    key = from_json(what, step.row_key)
    if step.kind == "removed":
        put_row(back.session, what, back.as_restored(what, from_json(what, step.before)))
    elif step.kind == "added":
        back.session.execute(delete(what).where(is_row(what, key)))
    elif step.kind == "moved":
        back.session.execute(update(what).where(is_row(what, key)).values({step.column_name: back.restored}))
    else:
        _change_back(back, what, key, step)


def _change_back(back: _Back, what: Table, key: Mapping[str, Any], step: Any) -> None:
    row = back.session.execute(select(what).where(is_row(what, key))).mappings().first()
    if row is None:
        return
    present = to_json(dict(row))
    same = {name: value for name, value in step.before.items() if present[name] == step.after[name]}
    if same:
        values = back.as_restored(what, from_json(what, same))
        back.session.execute(update(what).where(is_row(what, key)).values(values))


def _split_order_days(back: _Back) -> None:
    """The rollups of both, made again for the days on which the restored account has orders."""
    orders, days = table("customer_order"), table("account_day")
    own = select(literal(back.restored, Id).label("account_id"), orders.c.ordered_on.label("day")).where(
        orders.c.account_id == back.restored).distinct()
    refresh_account_days(back.session, own)
    kept = select(literal(back.merge.kept_id, Id).label("account_id"), days.c.day).where(
        days.c.account_id == back.restored)
    refresh_account_days(back.session, kept)
    drop_empty_days(back.session, kept)


def _end(back: _Back) -> None:
    session, merge = back.session, back.merge
    merge.undone_at, merge.undone_by = clock.now(), actor().name[:200]
    session.execute(update(DuplicatePair).where(
        DuplicatePair.subject == merge.subject, DuplicatePair.state == "merged",
        DuplicatePair.first_id == min(merge.kept_id, merge.dropped_id),
        DuplicatePair.second_id == max(merge.kept_id, merge.dropped_id)).values(state="open"))
    session.execute(delete(MergeStep).where(MergeStep.merge_id == merge.id))
    record(session, action=f"{merge.subject}.unmerge", subject=merge.subject, subject_id=merge.kept_id,
           after={"restored_id": back.restored, "merge": merge.id})
    bump(session)
    session.flush()
    session.expire_all()
    if merge.subject == "account":
        refresh_keys_of(session, [merge.kept_id, back.restored])
        for account_id, other in ((merge.kept_id, merge.dropped_name), (back.restored, merge.kept_name)):
            add_account_event(session, account_id=account_id, kind="account", title=f"Parted again from {other}"[:300])

