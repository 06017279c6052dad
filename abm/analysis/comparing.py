"""Who moved between two runs by the same factor: counted in SQL, explained row by row for the page shown."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun, FactorResult
from abm.analysis.moves import KINDS, Move, moves_between
from abm.analysis.thresholds import read_thresholds

MOVE_COLUMNS = ("key", "name", "value_before", "value", "what", "from", "to", "why")
_NAMES = ("abc", "xyz", "rhythm", "segment", "share", "cumulative_share", "cv", "overdue_ratio", "order_days", "value",
          "r", "f", "m")


def select_moved(run: AnalysisRun, before: AnalysisRun, kind: str = "") -> Select[*tuple[Any, ...]]:
    """(now, then, key, name) of everything in `run` whose class differs from `before`, or that was not in it."""
    table: Any = AccountResult if run.factor == "account" else FactorResult
    now, then = table, aliased(table)
    own, other = (now.account_id, then.account_id) if run.factor == "account" else (now.thing_id, then.thing_id)
    same = own == other if run.factor in ("account", "site", "parent", "product") else now.key == then.key
    query: Select[*tuple[Any, ...]] = select(now, then)
    if run.factor == "account":
        query = query.join(Account, Account.id == now.account_id).add_columns(Account.external_id, Account.name)
    else:
        query = query.add_columns(now.key, now.label)
    query = query.outerjoin(then, and_(same, then.run_id == before.id)).where(now.run_id == run.id)
    kinds = [kind] if kind in KINDS else list(KINDS)
    changed: list[ColumnElement[bool]] = [getattr(now, one).is_distinct_from(getattr(then, one)) for one in kinds]
    return query.where(or_(*changed))


def explained(run: AnalysisRun, before: AnalysisRun, now: Any, then: Any) -> list[Move]:
    """The moves of one row of `select_moved`."""
    old, new = ({name: getattr(row, name) for name in _NAMES} if row is not None else None for row in (then, now))
    return moves_between(old, new, read_thresholds(before.thresholds), read_thresholds(run.thresholds))


def compare_runs(session: Session, run: AnalysisRun, before: AnalysisRun) -> dict[str, Any]:
    """How many went from which class to which, per kind of class; for `--json` and the page's summary."""
    return {"before": _named(before), "now": _named(run),
            "moves": {kind: _count_moves(session, run, before, kind) for kind in KINDS}}


def _named(run: AnalysisRun) -> dict[str, Any]:
    return {"run": run.id, "as_of": run.as_of.isoformat() if run.as_of else None, "period": run.period,
            "same_orders_as": run.fingerprint}


def _count_moves(session: Session, run: AnalysisRun, before: AnalysisRun, kind: str) -> list[list[Any]]:
    moved = select_moved(run, before, kind).subquery()
    new, old = moved.c[kind], moved.c[f"{kind}_1"]
    rows = session.execute(select(old, new, func.count()).group_by(old, new).order_by(func.count().desc(), old, new))
    return [[was, now, count] for was, now, count in rows]


def move_rows(session: Session, run: AnalysisRun, before: AnalysisRun) -> Iterator[Sequence[Any]]:
    """One row per move, for files."""
    query = select_moved(run, before)
    result = session.execute(query, execution_options={"yield_per": 2_000})
    for now, then, key, name in result:
        for move in explained(run, before, now, then):
            yield (key, name, then.value if then is not None else None, now.value, move.kind, move.old, move.new,
                   move.why)
