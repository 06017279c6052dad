"""Parent companies named in an accounts file: they may stand later in it, be unknown, or run in a circle."""

from typing import Any, cast

from sqlalchemy import ColumnElement, Table, literal, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.imports.registry import Run
from abm.imports.staging import Stage

_ACCOUNT = cast(Table, Account.__table__)
_MOST_NAMED = 50


def settle_parents(stage: Stage, run: Run) -> None:
    """Leave out, with a warning, parents that are neither in the file nor known, and one link of every circle."""
    rows = stage.rows
    staged = rows.alias("other")
    # not NOT IN, which PostgreSQL tries account by account once they no longer fit into its memory
    unknown = (rows.c.parent.is_not(None)
               & ~select(_ACCOUNT.c.id).where(_ACCOUNT.c.external_id == rows.c.parent).exists()
               & ~select(literal(1)).select_from(staged).where(staged.c.external_id == rows.c.parent).exists())
    with stage.preparing() as session:
        stage.index_keys(session)
        for parent in session.scalars(select(rows.c.parent).where(unknown).distinct().limit(_MOST_NAMED)):
            run.report.warn(f"The parent account {parent!r} is not known; the link was left out")
        session.execute(update(rows).where(unknown).values(parent=None))
        if not run.empty_clears:
            session.execute(update(rows).where(rows.c.parent.is_(None)).values(parent=_stored_parent(stage)))
        for child in _circular(session, stage):
            run.report.warn(f"The account {child!r} would be its own ancestor; its parent was left out")
            session.execute(update(rows).where(rows.c.external_id == child).values(parent=None))


def _stored_parent(stage: Stage) -> ColumnElement[Any]:
    """The source id of the parent that the staged account has now."""
    upper = _ACCOUNT.alias("upper")
    return (select(upper.c.external_id).join(_ACCOUNT, _ACCOUNT.c.parent_id == upper.c.id)
            .where(_ACCOUNT.c.external_id == stage.rows.c.external_id).correlate(stage.rows).scalar_subquery())


def _circular(session: Session, stage: Stage) -> list[str]:
    """One staged account of each circle of parents, the first in the file."""
    rows = stage.rows
    staged = (
        session.execute(
            select(rows.c.external_id, rows.c.parent).order_by(rows.c.row_number).where(rows.c.parent.is_not(None))
        )
        
        .all()
    )
    upper = _ACCOUNT.alias("upper")
    links: dict[str, str | None] = dict(
        session.execute(
            select(_ACCOUNT.c.external_id, upper.c.external_id)
            .join(upper, upper.c.id == _ACCOUNT.c.parent_id)
            .where(~select(literal(1)).select_from(rows).where(rows.c.external_id == _ACCOUNT.c.external_id).exists())
        )
        
        .all()
    )
    links.update(dict(staged))
    cut = []
    for child, _parent in staged:
        seen, at = {child}, links[child]
        while at is not None and at not in seen:
            seen.add(at)
            at = links.get(at)
        if at == child:
            cut.append(child)
            links[child] = None
    return cut


def parent_differs(stage: Stage) -> ColumnElement[bool]:
    """The account's parent is another one than the staged row names."""
    upper = _ACCOUNT.alias("upper")
    present = (
        select(upper.c.external_id).where(upper.c.id == _ACCOUNT.c.parent_id).correlate(_ACCOUNT).scalar_subquery()
    )
    return present.is_distinct_from(stage.rows.c.parent)


def set_parents(stage: Stage, run: Run) -> None:
    """Link the accounts to their parents once all of them are there."""
    rows, upper = stage.rows, _ACCOUNT.alias("upper")
    parent = (
        select(upper.c.id)
        .join(rows, rows.c.parent == upper.c.external_id)
        .where(rows.c.external_id == _ACCOUNT.c.external_id)
        .correlate(_ACCOUNT)
        .scalar_subquery()
    )
    for within, _last in stage.slices():
        changed = (
            select(_ACCOUNT.c.id)
            .join(rows, rows.c.external_id == _ACCOUNT.c.external_id)
            .where(within, parent_differs(stage))
        )
        with stage.merging() as session:
            ids = session.scalars(changed).all()
            if ids:
                session.execute(
                    update(_ACCOUNT).where(_ACCOUNT.c.id.in_(ids)).values(parent_id=parent, updated_at=run.moment)
                )
