"""Reading runs and their results."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun, FactorResult
from abm.analysis.results import EXPORT_COLUMNS
from core import clock
from core.errors import NotFound


def get_run(session: Session, run_id: int) -> AnalysisRun:
    """A run by its id. Raises NotFound."""
    run = session.get(AnalysisRun, run_id)
    if run is None:
        raise NotFound(f"There is no analysis {run_id}")
    return run


def latest_run(session: Session, factor: str = "account") -> AnalysisRun | None:
    """The last run by this factor that was carried out; None before the first one. Looked up once where a session only
    reads: a page asks for it in several places, and its figures are kept as long texts."""
    kept: dict[str, AnalysisRun | None] = session.info.setdefault("latest_runs", {})
    if factor not in kept or not session.info.get("only_reads"):
        kept[factor] = session.scalars(_done_runs(factor).limit(1)).first()
    return kept[factor]


def latest_run_id() -> ScalarSelect[int]:
    """The id of the last run by account, for use inside another query (NULL before the first one)."""
    return _done_runs().with_only_columns(AnalysisRun.id).limit(1).scalar_subquery()


def list_runs(session: Session, *, limit: int = 20) -> Sequence[AnalysisRun]:
    """The newest runs, whatever became of them."""
    return session.scalars(select(AnalysisRun).order_by(AnalysisRun.id.desc()).limit(limit)).all()


def list_done_runs(session: Session, factor: str, *, limit: int = 30) -> Sequence[AnalysisRun]:
    """The newest finished runs by a factor."""
    return session.scalars(_done_runs(factor).limit(limit)).all()


def list_unfinished_runs(session: Session, *, older_than_seconds: int) -> Sequence[int]:
    """Ids of runs that wait for a worker, and of running ones begun so long ago that their worker must be gone."""
    begun = clock.now() - timedelta(seconds=older_than_seconds)
    is_stuck = (AnalysisRun.state == "running") & (AnalysisRun.started_at < begun)
    return session.scalars(select(AnalysisRun.id).where((AnalysisRun.state == "waiting") | is_stuck)).all()


def find_previous_run(session: Session, run: AnalysisRun) -> AnalysisRun | None:
    """The run by the same factor and value that was carried out before this one."""
    earlier = _done_runs(run.factor).where(AnalysisRun.id < run.id, AnalysisRun.value_kind == run.value_kind)
    return session.scalars(earlier.limit(1)).first()


def find_result(session: Session, *, run_id: int, account_id: int) -> AccountResult | None:
    """An account's row in a run; None where it had no orders then."""
    return session.get(AccountResult, (run_id, account_id))


def list_portfolio(session: Session, run: AnalysisRun, *, limit: int = 80) -> Sequence[Any]:
    """The largest ones of a run with what the share/growth matrix draws: id, name, quadrant and the two years."""
    table: Any = AccountResult if run.factor == "account" else FactorResult
    chosen = (table.quadrant, table.year_value, table.year_before_value, table.relative_share)
    if run.factor == "account":
        query = select(Account.id, Account.name, *chosen).join(Account, Account.id == AccountResult.account_id)
    else:
        query = select(FactorResult.thing_id.label("id"), FactorResult.label.label("name"), *chosen)
    return session.execute(query.where(table.run_id == run.id).order_by(table.value.desc()).limit(limit)).all()


def export_rows(session: Session, run: AnalysisRun) -> Iterator[Sequence[Any]]:
    """The rows of the export contract, largest value first, ties by the source system's id."""
    if run.factor == "account":
        columns = [Account.external_id, *(getattr(AccountResult, name) for name in EXPORT_COLUMNS[1:])]
        query = select(*columns).join(Account, Account.id == AccountResult.account_id)
        query = query.where(AccountResult.run_id == run.id).order_by(AccountResult.value.desc(), Account.external_id)
    else:
        columns = [FactorResult.key, *(getattr(FactorResult, name) for name in EXPORT_COLUMNS[1:])]
        query = select(*columns).where(FactorResult.run_id == run.id)
        query = query.order_by(FactorResult.value.desc(), FactorResult.key)
    for chunk in session.connection().execute(query, execution_options={"yield_per": 10_000}).partitions():
        yield from chunk


def _done_runs(factor: str = "account") -> Select[AnalysisRun]:
    done = select(AnalysisRun).where(AnalysisRun.state == "done", AnalysisRun.factor == factor)
    return done.order_by(AnalysisRun.id.desc())
