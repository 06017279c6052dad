"""Making two accounts one, or two records of a person; everything moves in one transaction, every step is noted.

Whoever merges first locks both rows; who comes second finds one of them gone. Messages under way keep their state:
their rows only change whom they speak of, and what a worker adds late is moved by `move_late_rows`.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table, exists, select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.keys import refresh_keys_of
from abm.audit.actions import actor, record
from abm.identity import contact_special, special
from abm.identity.models import Merge
from abm.identity.moving import (
    Move,
    add_row,
    change_row,
    fill_row,
    find_column,
    move_rows,
    move_rows_unless_present,
    remove_rows,
    rows_of,
)
from abm.identity.pairs import carry_pairs
from abm.identity.records import ACCOUNT_FIELDS, CONTACT_FIELDS, join_records, stricter_basis
from abm.identity.rules import LATE, RULES, Rule
from abm.identity.special import table
from campaigns.stops import bump
from core import clock
from core.db import Base
from core.errors import InvalidInput, NotFound, Refused

Row = dict[str, Any]
_BASIS = ("lawful_basis", "basis_source", "basis_at", "consent_kind")


def merge_accounts(session: Session, *, keep_id: int, drop_id: int, choices: Mapping[str, str] | None = None) -> Merge:
    """Take `drop_id` into `keep_id` with everything it has. `choices`: keep or drop per field (see records.py).

    The dropped account's source id becomes an alias: files that name it reach the kept account. Raises NotFound when
    one of them is not there (any more), InvalidInput when they are the same one.
    """
    kept, dropped = _lock_both(session, table("account"), keep_id, drop_id)
    merge, move = _begin(session, "account", kept, dropped, (kept["name"], dropped["name"]))
    values, feeds = join_records(kept, dropped, ACCOUNT_FIELDS, choices or {})
    parent = values.get("parent_id", kept["parent_id"])
    if parent in (keep_id, drop_id):
        above = dropped["parent_id"] if parent == drop_id else None
        values["parent_id"] = above if above != keep_id else None
    change_row(move, table("account"), kept, {**values, "updated_at": clock.now()})
    _move_all(move, "account", special.SPECIAL)
    special.join_aliases(move, "account_alias", "account_id", feeds)
    move_rows_unless_present(move, find_column("account_alias.account_id"))
    special.join_stops(move, "account")
    special.refresh_list_counts(move)
    carry_pairs(move, "account")
    _end(move, "account")
    _name_it_too(move, {**kept, **values}, kept, dropped, feeds)
    add_account_event(session, account_id=keep_id, kind="account", title=f"Merged with {dropped['name']}"[:300],
                      text=f"{dropped['external_id']} is this account from now on.", link="/accounts/duplicates/merges")
    _finish(session, merge, move)
    refresh_keys_of(session, [keep_id])
    return merge


def merge_contacts(session: Session, *, keep_id: int, drop_id: int, choices: Mapping[str, str] | None = None) -> Merge:
    """The same for two records of a person at one account. The stricter lawful basis stands, and every stop.

    Raises Refused for people of different accounts: which account somebody belongs to is another question.
    """
    kept, dropped = _lock_both(session, table("contact"), keep_id, drop_id)
    if kept["account_id"] != dropped["account_id"]:
        raise Refused("They are at different accounts: merge the accounts first, or move one of them")
    merge, move = _begin(session, "contact", kept, dropped, (_person(kept), _person(dropped)))
    values, feeds = join_records(kept, dropped, CONTACT_FIELDS, choices or {})
    if stricter_basis(kept, dropped):
        values |= {name: dropped[name] for name in _BASIS}
        feeds.append("basis")
    if values.get("reports_to_id", kept["reports_to_id"]) in (keep_id, drop_id):
        values["reports_to_id"] = None
    values["is_active"] = kept["is_active"] and dropped["is_active"]
    change_row(move, table("contact"), kept, {**values, "updated_at": clock.now()})
    contact_special.keep_stops(move, kept, dropped, values.get("email", kept["email"]))
    _move_all(move, "contact", contact_special.SPECIAL)
    special.join_aliases(move, "contact_alias", "contact_id", feeds)
    move_rows_unless_present(move, find_column("contact_alias.contact_id"))
    special.join_stops(move, "contact")
    carry_pairs(move, "contact")
    _end(move, "contact")
    add_row(move, table("contact_alias"), {
        "contact_id": keep_id, "value_key": dropped["external_id"], "feeds": feeds, "added_by": actor().name,
        "added_at": clock.now()})
    add_account_event(session, account_id=kept["account_id"], contact_id=keep_id, kind="contact",
                      title="Two records of a person became one", link=f"/contacts/{keep_id}")
    _finish(session, merge, move)
    return merge


def _lock_both(session: Session, what: Table, keep_id: int, drop_id: int) -> tuple[Row, Row]:
    if keep_id == drop_id:
        raise InvalidInput("Nothing was merged", {"keep": "Choose two different ones"})
    session.flush()
    query = select(what).where(what.c.id.in_((keep_id, drop_id))).order_by(what.c.id).with_for_update()
    found = {row["id"]: dict(row) for row in session.execute(query).mappings()}
    if len(found) < 2:
        raise NotFound("One of the two is no longer there: somebody has merged or removed it")
    return found[keep_id], found[drop_id]


def _begin(session: Session, subject: str, kept: Row, dropped: Row, names: tuple[str, str]) -> tuple[Merge, Move]:
    contact_id = kept["id"] if subject == "contact" else None
    merge = Merge(subject=subject, kept_id=kept["id"], dropped_id=dropped["id"], kept_name=names[0][:420],
                  dropped_name=names[1][:420], contact_id=contact_id, merged_by=actor().name[:200],
                  merged_at=clock.now())
    session.add(merge)
    session.flush()
    return merge, Move(session, merge.id, kept["id"], dropped["id"], contact_id)


def _person(row: Row) -> str:
    return " ".join(part for part in (row["first_name"], row["last_name"]) if part) or row["email"] or "Somebody"


def _move_all(move: Move, subject: str, specials: Mapping[str, special.Special]) -> None:
    for name, rule in RULES[subject].items():
        column = find_column(name)
        if rule is Rule.MOVE:
            move_rows(move, column)
        elif rule is Rule.MOVE_UNLESS_PRESENT:
            move_rows_unless_present(move, column)
        elif rule is Rule.FILL:
            fill_row(move, column)
        elif rule is Rule.DERIVED:
            move.session.execute(column.table.delete().where(column == move.dropped))
        elif name in specials:
            specials[name](move)


def _end(move: Move, subject: str) -> None:
    """Take the dropped row away, once nothing speaks of it any more: deleting it must take nothing with it."""
    what = table(subject)
    left = [f"{own.name}.{column.name}" for own, column in _references(what)
            if move.session.scalar(select(exists().where(column == move.dropped)))]
    if left:
        raise Refused(f"Not merged: {', '.join(left)} changed this moment; try again")
    remove_rows(move, what, what.c.id == move.dropped)


def _references(what: Table) -> list[tuple[Table, Any]]:
    return [(own, key.parent) for own in Base.metadata.sorted_tables for constraint in own.constraints
            if isinstance(constraint, ForeignKeyConstraint) for key in constraint.elements
            if key.column.table is what]


def _name_it_too(move: Move, now: Row, kept: Row, dropped: Row, feeds: list[str]) -> None:
    """The ids, names and domains that are not the account's own any more lead to it as aliases."""
    aliases = table("account_alias")
    found = [("id", dropped["external_id"], dropped["external_id"])]
    found += [("name", row["name"], row["name_key"]) for row in (kept, dropped) if row["name_key"] != now["name_key"]]
    found += [("domain", row["domain"], row["domain"]) for row in (kept, dropped)
              if row["domain"] and row["domain"] != now["domain"]]
    present = {(row["kind"], row["value_key"]) for row in rows_of(move.session, aliases,
                                                                   aliases.c.account_id == move.kept)}
    for kind, value, key in dict.fromkeys(found):
        if (kind, key) not in present:
            add_row(move, aliases, {"account_id": move.kept, "kind": kind, "value": value, "value_key": key,
                                    "feeds": feeds if kind == "id" else None, "added_by": actor().name,
                                    "added_at": clock.now()})


def _finish(session: Session, merge: Merge, move: Move) -> None:
    merge.counts = dict(move.counts)
    record(session, action=f"{merge.subject}.merge", subject=merge.subject, subject_id=merge.kept_id,
           after={"dropped_id": merge.dropped_id, "merge": merge.id, "moved": dict(move.counts)})
    bump(session)
    session.flush()
    session.expire_all()


def move_late_rows(session: Session, merge: Merge) -> int:
    """Move what a worker that began before the merge has written about the dropped one since; how many rows."""
    what = table(merge.subject)
    if session.scalar(select(exists().where(what.c.id == merge.dropped_id))):
        return 0  # its number belongs to somebody else by now
    move = Move(session, merge.id, merge.kept_id, merge.dropped_id, merge.contact_id)
    late = [find_column(name) for name in LATE[merge.subject]]
    for column in late:
        if session.scalar(select(exists().where(column == merge.dropped_id))):
            move_rows_unless_present(move, column)
    return sum(move.counts.values())

