"""From the staging table into a real one, set by set: new rows inserted, those that differ updated, the rest left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Table, case, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.imports.staging import Stage


@dataclass(frozen=True)
class Counts:
    """What became of a file's rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged)


class Place(Protocol):
    """Where an import notes how far it has come."""

    def begin(self, stage: Stage) -> tuple[int, Counts]:
        """The position up to which the stage was merged before, and what became of those rows."""

    def note(self, session: Session, *, position: int, counts: Counts) -> None:
        """Keep, in the slice's own transaction, that everything up to `position` is merged."""


@dataclass(frozen=True)
class Upsert:
    """How staged rows become rows of `table`.

    `key`: unique columns of the table -> staged value. `sets`: columns that the file sets, updated where they differ.
    `kept_where_empty`: of these, columns that stay as they are where the staged value of the named one is empty.
    `on_create`: columns set on a new row only; `on_change`: columns set with every creation and change. `also_differs`:
    further conditions (over the table and the staged rows) that count as a change, made by the caller afterwards.
    """

    table: Table
    key: Mapping[str, ColumnElement[Any]]
    sets: Mapping[str, ColumnElement[Any]]
    kept_where_empty: Mapping[str, str] = field(default_factory=dict)
    on_create: Mapping[str, Any] = field(default_factory=dict)
    on_change: Mapping[str, Any] = field(default_factory=dict)
    also_differs: Sequence[ColumnElement[bool]] = ()

    def matches(self) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = true()
        for name, value in self.key.items():
            condition = condition & (self.table.c[name] == value)
        return condition

    def becomes(self, staged: Mapping[str, ColumnElement[Any]]) -> dict[str, ColumnElement[Any]]:
        """What the columns that the file sets become in a known row."""
        kept = self.kept_where_empty
        return {name: case((staged[kept[name]].is_(None), self.table.c[name]), else_=staged[name])
                if name in kept else staged[name] for name in self.sets}

    def differs(self) -> ColumnElement[bool]:
        changed = [self.table.c[name].is_distinct_from(value) for name, value in self.becomes(self.sets).items()]
        return or_(*changed, *self.also_differs) if changed or self.also_differs else literal(value=False)


def count_outcomes(session: Session, stage: Stage, upsert: Upsert, within: ColumnElement[bool]) -> Counts:
    """What merging these staged rows would do; rows whose key comes again are counted with their last one."""
    rows, table = stage.rows, upsert.table
    known = table.c.id.is_not(None)
    changed = known & upsert.differs()
    others = rows.c.copies - 1
    counted = (
        select(
            func.coalesce(func.sum(case((~known, 1), else_=0)), 0),
            func.coalesce(func.sum(case((changed, 1), else_=0)), 0),
            func.coalesce(func.sum(case((known & ~changed, 1 + others), else_=rows.c.twins)), 0),
            func.coalesce(func.sum(case((~known | changed, others - rows.c.twins), else_=0)), 0),
        )
        .select_from(rows.outerjoin(table, upsert.matches()))
        .where(within)
    )
    created, updated, unchanged, superseded = session.execute(counted).one()
    return Counts(int(created), int(updated) + int(superseded), int(unchanged))


def _insert(stage: Stage, upsert: Upsert, within: ColumnElement[bool]) -> Any:
    new = {**upsert.key, **upsert.sets, **upsert.on_create, **upsert.on_change}
    values = [
        value if isinstance(value, ColumnElement) else literal(value, upsert.table.c[name].type)
        for name, value in new.items()
    ]
    insert = (postgres_insert if stage.is_postgres else sqlite_insert)(upsert.table)
    rows = select(*values).where(within).order_by(stage.rows.c.position)
    return insert.from_select(list(new), rows, include_defaults=False)


def merge_slice(session: Session, stage: Stage, upsert: Upsert, within: ColumnElement[bool]) -> None:
    """Insert and update the staged rows of one slice, in one statement."""
    statement = _insert(stage, upsert, within)
    excluded = statement.excluded
    becomes = upsert.becomes(excluded)
    changed = or_(*(upsert.table.c[name].is_distinct_from(value) for name, value in becomes.items()))
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=list(upsert.key),
            set_={**becomes, **{name: excluded[name] for name in upsert.on_change}},
            where=changed,
        )
        if upsert.sets
        else statement.on_conflict_do_nothing(index_elements=list(upsert.key))
    )


class _NotAllNew(Exception):
    """A slice that was taken for new has rows that are there already; its transaction is rolled back."""


def _merge_new(session: Session, stage: Stage, upsert: Upsert, within: ColumnElement[bool], expected: int) -> None:
    """Insert the staged rows of a slice, all of them new. Raises _NotAllNew."""
    statement = _insert(stage, upsert, within).on_conflict_do_nothing(index_elements=list(upsert.key))
    if session.connection().execute(statement).rowcount != expected:
        raise _NotAllNew


@dataclass(frozen=True)
class Slice:
    """Some staged rows that are merged in one transaction, and what that does to the table."""

    within: ColumnElement[bool]
    counts: Counts
    merge: Callable[[], None]
    are_all_new: bool = False


Around = Callable[[Session, Slice], None]


def _only_merge(_session: Session, piece: Slice) -> None:
    piece.merge()


def merge_all(
    stage: Stage,
    upsert: Upsert,
    *,
    is_dry_run: bool,
    progress: Callable[[int], None],
    around: Around = _only_merge,
) -> Counts:
    """Merge the whole stage, a transaction per slice; with `is_dry_run` only count.

    `around(session, piece)` may do work in the slice's transaction before and after it calls `piece.merge()`; it is
    called only for slices in which something changes. Rows are taken for new, which saves looking each of them up
    first, until a slice shows one that is not; that slice and the rest are counted before they are merged.
    """
    place = stage.place if not is_dry_run else None
    after, counts = place.begin(stage) if place else (0, Counts())
    may_be_new = not (is_dry_run or stage.has_repeats)
    for within, last in stage.slices(after):
        note = partial(_note, place, last, counts)
        found = _try_as_new(stage, upsert, within, around, note) if may_be_new else None
        if found is None:
            may_be_new = False
            found = _count_and_merge(stage, upsert, within, None if is_dry_run else around, note)
        counts += found
        progress(counts.created + counts.updated + counts.unchanged)
    return counts


Note = Callable[[Session, Counts], None]


def _note(place: "Place | None", last: int, before: Counts, session: Session, found: Counts) -> None:
    if place:
        place.note(session, position=last, counts=before + found)


def _try_as_new(
    stage: Stage, upsert: Upsert, within: ColumnElement[bool], around: Around, note: Note
) -> Counts | None:
    try:
        with stage.merging() as session:
            rows = session.scalar(select(func.count()).select_from(stage.rows).where(within)) or 0
            found = Counts(created=rows)
            merge = partial(_merge_new, session, stage, upsert, within, rows)
            around(session, Slice(within, found, merge, are_all_new=True))
            note(session, found)
    except _NotAllNew:
        return None
    return found


def _count_and_merge(
    stage: Stage, upsert: Upsert, within: ColumnElement[bool], around: Around | None, note: Note
) -> Counts:
    with stage.preparing() as session:
        found = count_outcomes(session, stage, upsert, within)
    if around and found.created + found.updated:
        with stage.merging() as session:
            around(session, Slice(within, found, partial(merge_slice, session, stage, upsert, within)))
            note(session, found)
    return found
