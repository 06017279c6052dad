"""Reading runs and their results."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.results import EXPORT_COLUMNS
from core import clock
from core.errors import NotFound


def get_run(session: Session, run_id: int) -> AnalysisRun:
    """A run by its id. Raises NotFound."""
    run = session.get(AnalysisRun, run_id)
    if run is None:
        raise NotFound(f"There is no analysis {run_id}")
    return run


def latest_run(session: Session) -> AnalysisRun | None:
    """The last run that was carried out; None before the first one."""
    return session.scalars(_done_runs().limit(1)).first()


def latest_run_id() -> ScalarSelect[int]:
    """The id of the last run carried out, for use inside another query (NULL before the first one)."""
    query = select(AnalysisRun.id).where(AnalysisRun.state == "done").order_by(AnalysisRun.id.desc())
    return query.limit(1).scalar_subquery()


def list_runs(session: Session, *, limit: int = 20) -> Sequence[AnalysisRun]:
    """The newest runs, whatever became of them."""
    return session.scalars(select(AnalysisRun).order_by(AnalysisRun.id.desc()).limit(limit)).all()


def list_unfinished_runs(session: Session, *, older_than_seconds: int) -> Sequence[int]:
    """Ids of runs that wait for a worker, and of running ones begun so long ago that their worker must be gone."""
    begun = clock.now() - timedelta(seconds=older_than_seconds)
    is_stuck = (AnalysisRun.state == "running") & (AnalysisRun.started_at < begun)
    return session.scalars(select(AnalysisRun.id).where((AnalysisRun.state == "waiting") | is_stuck)).all()


def find_previous_run(session: Session, run: AnalysisRun) -> AnalysisRun | None:
    """The run carried out before this one."""
    return session.scalars(_done_runs().where(AnalysisRun.id < run.id).limit(1)).first()


def find_result(session: Session, *, run_id: int, account_id: int) -> AccountResult | None:
    """An account's row in a run; None where it had no orders then."""
    return session.get(AccountResult, (run_id, account_id))


def export_rows(session: Session, run_id: int) -> Iterator[Sequence[Any]]:
    """The rows of the export contract, by the source system's id of the account."""
    columns = [Account.external_id, *(getattr(AccountResult, name) for name in EXPORT_COLUMNS[1:])]
    query = select(*columns).join(Account, Account.id == AccountResult.account_id)
    query = query.where(AccountResult.run_id == run_id).order_by(AccountResult.value.desc(), Account.external_id)
    for chunk in session.connection().execute(query, execution_options={"yield_per": 10_000}).partitions():
        yield from chunk


def _done_runs() -> Select[AnalysisRun]:
    return select(AnalysisRun).where(AnalysisRun.state == "done").order_by(AnalysisRun.id.desc())
