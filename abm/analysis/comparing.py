"""Who moved between two runs by the same factor: counted when a run is made, explained row by row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun, FactorResult, RunComparison
from abm.analysis.moves import KINDS, Move, moves_between
from abm.analysis.thresholds import read_thresholds
from core.id_lists import is_among

_FEW = 2_000
MOVE_COLUMNS = ("key", "name", "value_before", "value", "what", "from", "to", "why")
_NAMES = ("abc", "xyz", "rhythm", "segment", "share", "cumulative_share", "cv", "overdue_ratio", "order_days", "value",
          "r", "f", "m")


def select_moved(run: AnalysisRun, before: AnalysisRun, kind: str = "",
                 ids: Sequence[int] | None = None) -> Select[*tuple[Any, ...]]:
    """(now, then, key, name) of everything in `run` whose class differs from `before`, or that was not in it. `ids`:
    only among these."""
    now, then = _tables(run)
    query: Select[*tuple[Any, ...]] = select(now, then)
    if run.factor == "account":
        query = query.join(Account, Account.id == now.account_id).add_columns(Account.external_id, Account.name)
    else:
        query = query.add_columns(now.key, now.label)
    if ids is not None:
        query = query.where(is_among(_id_of(run, now), ids))
    kinds = [kind] if kind in KINDS else list(KINDS)
    return _joined(query, run, before, then).where(or_(*_differences(now, then, kinds)))


def _tables(run: AnalysisRun) -> tuple[Any, Any]:
    table: Any = AccountResult if run.factor == "account" else FactorResult
    return table, aliased(table)


def _id_of(run: AnalysisRun, table: Any) -> Any:
    return table.account_id if run.factor == "account" else table.thing_id


def _joined(query: Select[*tuple[Any, ...]], run: AnalysisRun, before: AnalysisRun,
            then: Any) -> Select[*tuple[Any, ...]]:
    """With the same thing in the earlier run beside it; regions have a number of their own in each run."""
    now, _ = _tables(run)
    same = now.key == then.key if run.factor == "region" else _id_of(run, now) == _id_of(run, then)
    return query.outerjoin(then, and_(same, then.run_id == before.id)).where(now.run_id == run.id)


def _differences(now: Any, then: Any, kinds: Iterable[str]) -> list[ColumnElement[bool]]:
    return [getattr(now, one).is_distinct_from(getattr(then, one)) for one in kinds]


def explained(run: AnalysisRun, before: AnalysisRun, now: Any, then: Any) -> list[Move]:
    """The moves of one row of `select_moved`."""
    old, new = ({name: getattr(row, name) for name in _NAMES} if row is not None else None for row in (then, now))
    return moves_between(old, new, read_thresholds(before.thresholds), read_thresholds(run.thresholds))


def compare_runs(session: Session, run: AnalysisRun, before: AnalysisRun) -> dict[str, Any]:
    """How many went from which class to which, per kind of class; for `--json` and the page's summary."""
    return {"before": _named(before), "now": _named(run), "moves": find_comparison(session, run, before).moves}


def find_comparison(session: Session, run: AnalysisRun, before: AnalysisRun) -> RunComparison:
    """As it was counted when the run was made; another pair of runs is counted now, and not kept."""
    return session.get(RunComparison, (run.id, before.id)) or count_moves(session, run, before)


def _named(run: AnalysisRun) -> dict[str, Any]:
    return {"run": run.id, "as_of": run.as_of.isoformat() if run.as_of else None, "period": run.period,
            "same_orders_as": run.fingerprint}


def count_moves(session: Session, run: AnalysisRun, before: AnalysisRun) -> RunComparison:
    """Who moved, in one pass over both runs in which only they are read."""
    now, then = _tables(run)
    columns = [column for kind in KINDS for column in (getattr(then, kind), getattr(now, kind))]
    query: Select[*tuple[Any, ...]] = select(_id_of(run, now), *columns)
    query = _joined(query, run, before, then).where(or_(*_differences(now, then, KINDS)))
    moves: dict[str, Counter[tuple[Any, Any]]] = {kind: Counter() for kind in KINDS}
    ids: dict[str, list[int]] = {name: [] for name in ("", *KINDS)}
    for thing_id, *classes in session.connection().execute(query, execution_options={"yield_per": 5_000}):
        ids[""].append(thing_id)
        for place, kind in enumerate(KINDS):
            old, new = classes[2 * place], classes[2 * place + 1]
            if old != new:
                moves[kind][old, new] += 1
                ids[kind].append(thing_id)
    return RunComparison(
        run_id=run.id, before_id=before.id, moves={kind: _sorted(found) for kind, found in moves.items()},
        counts={name: len(found) for name, found in ids.items()},
        few={name: found for name, found in ids.items() if len(found) <= _FEW})


def _sorted(found: "Counter[tuple[Any, Any]]") -> list[list[Any]]:
    """(from, to, how many), the most first."""
    return [[old, new, count] for (old, new), count in
            sorted(found.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1] or ""))]


def move_rows(session: Session, run: AnalysisRun, before: AnalysisRun) -> Iterator[Sequence[Any]]:
    """One row per move, for files."""
    query = select_moved(run, before)
    result = session.execute(query, execution_options={"yield_per": 2_000})
    for now, then, key, name in result:
        for move in explained(run, before, now, then):
            yield (key, name, then.value if then is not None else None, now.value, move.kind, move.old, move.new,
                   move.why)
