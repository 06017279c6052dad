"""Keeping lists by rules up to date at a cost in proportion to what changed.

1. The database notes changed accounts (`abm.targets.tracking`).
2. `spread_changes` hands them to the lists whose rules follow what changed.
3. `bring_up_to_date` judges only those accounts again, or everybody where something other than data changed (rules, the
   analysis, the day), where a rule asks for what nobody tracks, or where a cut to the top makes all depend on all.

Notes are deleted first and acted on with a later snapshot: what commits in between is noted again, nothing is lost.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from abm.targets.addressing import CAN_EMAIL, find_accounts_of_stops, keep_addresses_of
from abm.targets.dependence import Dependence, depends_on
from abm.targets.membership import put_members, put_some_members
from abm.targets.models import AccountChange, ListPending, TargetList
from abm.targets.previews import select_by_rules
from abm.targets.scopes import find_rules, make_scope, stored_rules
from abm.targets.sources import Scope
from abm.targets.tracking import EVERYBODY
from core import clock
from core.db import is_postgres

MOST_CHANGES = 20_000
_UNTRACKED_FOR = timedelta(minutes=3)
_PEND_ON_POSTGRES = text("INSERT INTO list_pending (list_id, account_id) SELECT :list_id, id "
                         "FROM unnest(CAST(:accounts AS bigint[])) id ON CONFLICT DO NOTHING")
_PEND_ON_SQLITE = text("INSERT INTO list_pending (list_id, account_id) SELECT :list_id, value "
                       "FROM json_each(:accounts) WHERE true ON CONFLICT DO NOTHING")


def spread_changes(session: Session) -> int:
    """Hand noted changes to the lists that follow them; returns how many notes there were."""
    some = select(AccountChange.id).limit(MOST_CHANGES + 1).subquery()
    count = session.connection().execute(select(func.count()).select_from(some)).scalar_one()
    if not count:
        return 0
    if count > MOST_CHANGES:
        return _judge_everybody(session)
    taken = delete(AccountChange).returning(AccountChange.kind, AccountChange.account_id)
    rows = session.connection().execute(taken).all()
    changed: dict[str, set[int]] = defaultdict(set)
    for kind, account_id in rows:
        changed[kind].add(account_id)
    keep_addresses_of(session, sorted(changed["contact"]))
    stops = changed.pop("suppression", None)
    if stops:
        changed[CAN_EMAIL] |= find_accounts_of_stops(session, sorted(stops))
    _pass_on(session, changed)
    return len(rows)


def _judge_everybody(session: Session) -> int:
    """So much changed (an import) that looking at each change would cost more than judging all anew."""
    people = delete(AccountChange).where(AccountChange.kind == "contact").returning(AccountChange.account_id)
    changed = session.connection().execute(people).scalars().all()
    gone = len(changed) + session.connection().execute(delete(AccountChange)).rowcount
    keep_addresses_of(session, sorted(set(changed)))
    for list_id, _ in _dependences(session):
        _note(session, list_id, {EVERYBODY})
    return gone


def _dependences(session: Session) -> Iterable[tuple[int, Dependence]]:
    rows = session.scalars(select(TargetList).where(TargetList.kind == "dynamic").order_by(TargetList.id))
    return [(row.id, dependence_of(session, row)) for row in rows]


def dependence_of(session: Session, row: TargetList) -> Dependence:
    return depends_on(stored_rules(row), partial(find_rules, session))


def _pass_on(session: Session, changed: dict[str, set[int]]) -> None:
    for list_id, found in _dependences(session):
        accounts = set().union(*(changed[kind] for kind in found.follows if kind in changed))
        if accounts:
            _note(session, list_id, accounts if found.is_local and EVERYBODY not in accounts else {EVERYBODY})


def _note(session: Session, list_id: int, accounts: set[int]) -> None:
    ids = sorted(accounts)
    session.connection().execute(_PEND_ON_POSTGRES if is_postgres(session) else _PEND_ON_SQLITE, {
        "list_id": list_id, "accounts": ids if is_postgres(session) else json.dumps(ids)})


def bring_up_to_date(session: Session, row: TargetList, *, everybody: bool = False) -> tuple[int, int]:
    """Make the members of a list by rules what the data says now; returns how many entered and left."""
    session.flush()
    if is_postgres(session):  # two refreshes of one list wait for each other; SQLite has one writer anyway
        session.execute(select(TargetList.id).where(TargetList.id == row.id).with_for_update())
    found, scope = dependence_of(session, row), make_scope(session)
    digest = found.digest(scope)
    pending = _take_pending(session, row)
    if everybody or not found.is_tracked or row.judged_by != digest or _means_everybody(pending):
        only = None
    else:
        only = tuple(sorted(pending))
    changes = (0, 0) if only == () else _judge(session, row, only, scope)
    row.judged_by, row.refreshed_at = digest, clock.now()
    session.flush()  # members may be streamed next, and a pending UPDATE would go through the same server-side cursor
    return changes


def _take_pending(session: Session, row: TargetList) -> set[int]:
    taken = delete(ListPending).where(ListPending.list_id == row.id).returning(ListPending.account_id)
    return set(session.connection().execute(taken).scalars().all())


def _means_everybody(pending: set[int]) -> bool:
    return EVERYBODY in pending or len(pending) > MOST_CHANGES


def _judge(session: Session, row: TargetList, only: tuple[int, ...] | None, scope: Scope) -> tuple[int, int]:
    rule, top = stored_rules(row)
    found = select_by_rules(session, rule=rule, top=top, within=(row.name,), list_id=row.id, only=only, scope=scope)
    return put_members(session, row, found) if only is None else put_some_members(session, row, found, only)


def is_stale(session: Session, row: TargetList) -> bool:
    """Whether a refresh would have anything to do; noted changes must have been spread."""
    found = dependence_of(session, row)
    if row.judged_by != found.digest(make_scope(session)):
        return True
    if not found.is_tracked:
        return row.refreshed_at is None or row.refreshed_at < clock.now() - _UNTRACKED_FOR
    pending = select(ListPending.account_id).where(ListPending.list_id == row.id).limit(1)
    return session.scalars(pending).first() is not None
