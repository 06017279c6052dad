"""Rows of a file that name what was merged into something else: they reach what was kept.

Every field of a merged record is fed by exactly one source id: the kept one's own rows, or the rows of an alias for the
fields that were taken from it (`feeds`). So importing the files from before a merge again changes nothing, and what a
source changes later arrives from the row that was chosen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from abm.imports.staging import Stage
from core.id_lists import is_among

CUSTOM = "custom."
_AT_ONCE = 500
Row = dict[str, Any]


@dataclass(frozen=True)
class AliasTable:
    """`aliases`: columns value_key, `owner` and feeds. `fields`: a field's name to its staged columns. `read` answers
    the staged form of kept records by their source id."""

    aliases: Table
    owner: str
    kept: Table
    fields: Mapping[str, Sequence[str]]
    read: Callable[[Session, Sequence[int]], Mapping[str, Row]]


def fold_alias_rows(session: Session, stage: Stage, known: AliasTable) -> None:
    """Make the staged rows of merged records into rows of what was kept. Costs nothing where nothing was merged."""
    aliases, kept, rows = known.aliases, known.kept, stage.rows
    fed = aliases.c.feeds.is_not(None)
    owners = session.execute(
        select(kept.c.id).join(aliases, aliases.c[known.owner] == kept.c.id).where(fed).distinct()).scalars().all()
    for start in range(0, len(owners), _AT_ONCE):
        _fold_some(session, stage, known, owners[start:start + _AT_ONCE])
    if owners:
        session.execute(delete(rows).where(rows.c.external_id.in_(select(aliases.c.value_key).where(fed))))


def _fold_some(session: Session, stage: Stage, known: AliasTable, owners: Sequence[int]) -> None:
    aliases, rows = known.aliases, stage.rows
    stored = known.read(session, owners)
    by_owner: dict[str, list[Row]] = {}
    for row in session.execute(
            select(known.kept.c.external_id, aliases.c.value_key, aliases.c.feeds)
            .join(aliases, aliases.c[known.owner] == known.kept.c.id)
            .where(is_among(known.kept.c.id, owners), aliases.c.feeds.is_not(None))).mappings():
        by_owner.setdefault(row["external_id"], []).append(dict(row))
    wanted = {*by_owner, *(alias["value_key"] for found in by_owner.values() for alias in found)}
    staged = {row["external_id"]: dict(row) for row in
              session.execute(select(rows).where(rows.c.external_id.in_(wanted))).mappings()}
    for external_id, found in by_owner.items():
        present = [(staged[alias["value_key"]], alias["feeds"]) for alias in found if alias["value_key"] in staged]
        own = staged.get(external_id)
        if own is None and not present:
            continue
        number = own["row_number"] if own else present[0][0]["row_number"]
        joined = _join(own, [feed for alias in found for feed in alias["feeds"]], present, stored[external_id], known)
        copies = (own["copies"] if own else 0) + sum(row["copies"] for row, _feeds in present)
        session.execute(update(rows).where(rows.c.row_number == number).values({
            **joined, "external_id": external_id, "copies": copies, "twins": copies - 1}))


def _join(own: Row | None, fed: Iterable[str], present: Sequence[tuple[Row, Sequence[str]]], stored: Row,
          known: AliasTable) -> Row:
    """The staged row of the kept record: its own row, with the fields that aliases feed from theirs, or as stored."""
    fed = list(fed)
    base = own if own is not None else stored
    values = {column: base.get(column) for column in stored if column != "custom"}
    for field in fed:
        values |= {column: stored.get(column) for column in known.fields.get(field, ())}
    custom = {name: value for name, value in ((own or {}).get("custom") or {}).items() if CUSTOM + name not in fed}
    for row, feeds in present:
        for field in feeds:
            values |= {column: row[column] for column in known.fields.get(field, ())}
            name = field.removeprefix(CUSTOM)
            if field.startswith(CUSTOM) and name in (row.get("custom") or {}):
                custom[name] = row["custom"][name]
    return {**values, "custom": custom} if "custom" in stored else values
