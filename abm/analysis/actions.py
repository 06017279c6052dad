"""Running an analysis and keeping its results."""

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.queries import get_run
from abm.analysis.results import PERIODS, VALUE_KINDS
from abm.audit.actions import actor, record
from core import clock
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit

if TYPE_CHECKING:
    from abm.analysis.computing import Analysis

_BATCH = 5_000


def run_analysis(session: Session, *, as_of: date | None = None, from_on: date | None = None, period: str = "auto",
                 value_kind: str = "revenue") -> AnalysisRun:
    """Analyse at once and keep the run with its results.

    `as_of` None: the day of the last order; `period` auto: the proposal. Raises InvalidInput for values that cannot be,
    Refused where there are no orders to analyse.
    """
    run = plan_analysis(session, as_of=as_of, from_on=from_on, period=period, value_kind=value_kind)
    keep_results(session, run=run, analysis=compute(session, run=run))
    return run


def request_analysis(session: Session, *, as_of: date | None = None, from_on: date | None = None, period: str = "auto",
                     value_kind: str = "revenue") -> AnalysisRun:
    """Plan a run and have a worker carry it out after the commit."""
    run = plan_analysis(session, as_of=as_of, from_on=from_on, period=period, value_kind=value_kind)
    ring_after_commit(session, "analysis.run", run_id=run.id)
    return run


def plan_analysis(session: Session, *, as_of: date | None, from_on: date | None, period: str,
                  value_kind: str) -> AnalysisRun:
    """A run that waits to be carried out. Raises InvalidInput."""
    _check(as_of=as_of, from_on=from_on, period=period, value_kind=value_kind)
    run = AnalysisRun(state="waiting", step="Waiting for a worker", as_of=as_of, from_on=from_on, period=period,
                      value_kind=value_kind, started_at=clock.now(), started_by=actor().name)
    session.add(run)
    session.flush()
    record(session, action="analysis.run", subject="analysis", subject_id=run.id,
           after={"as_of": as_of and as_of.isoformat(), "from": from_on and from_on.isoformat(), "period": period,
                  "value": value_kind})
    return run


def _check(*, as_of: date | None, from_on: date | None, period: str, value_kind: str) -> None:
    wrong = {}
    if period not in PERIODS:
        wrong["period"] = f"{period!r} is not a period; use {', '.join(PERIODS)}"
    if value_kind not in VALUE_KINDS:
        wrong["value"] = f"{value_kind!r} is not a value; use {', '.join(VALUE_KINDS)}"
    if as_of and from_on and from_on > as_of:
        wrong["from"] = f"The first day, {from_on}, is after the last one, {as_of}"
    if wrong:
        raise InvalidInput("; ".join(wrong.values()), wrong)


def compute(session: Session, *, run: AnalysisRun) -> "Analysis":
    """The numbers of a planned run, from the order days on file. Only reads. Raises Refused where there are none."""
    # numpy costs a tenth of a second: pages that only plan a run do without it
    from abm.analysis.abc_xyz import Period
    from abm.analysis.computing import analyse
    from abm.analysis.loading import load_order_days

    days = load_order_days(session, as_of=run.as_of, from_on=run.from_on, value_kind=run.value_kind)
    if not days.account_ids:
        span = f" from {run.from_on}" if run.from_on else ""
        span += f" up to {run.as_of}" if run.as_of else ""
        raise Refused(f"There are no orders{span} to analyse; import orders or choose other days")
    period = None if run.period == "auto" else Period(run.period)
    return analyse(days, as_of=run.as_of, from_on=run.from_on, period=period)


def keep_results(session: Session, *, run: AnalysisRun, analysis: "Analysis") -> None:
    """Store a row per account and finish the run."""
    columns = {"account_id": analysis.account_ids, **analysis.columns}
    for start in range(0, len(analysis.account_ids), _BATCH):
        part = {name: values[start:start + _BATCH] for name, values in columns.items()}
        names = list(part)
        rows: list[dict[str, Any]] = [
            {"run_id": run.id, **dict(zip(names, row, strict=True))} for row in zip(*part.values(), strict=True)
        ]
        session.connection().execute(insert(AccountResult.__table__), rows)  # type: ignore[arg-type]
    run.state, run.step, run.finished_at = "done", "", clock.now()
    run.as_of, run.period = analysis.as_of, analysis.period.value
    run.totals, run.facts = analysis.totals, analysis.facts
    session.flush()


def say_step(session: Session, *, run_id: int, step: str) -> AnalysisRun:
    """Show what a run is doing."""
    run = get_run(session, run_id)
    run.state, run.step = "running", step
    return run


def fail_run(session: Session, *, run_id: int, reason: str) -> None:
    """End a run that cannot be carried out; the reason is shown to people."""
    run = get_run(session, run_id)
    run.state, run.step, run.error, run.finished_at = "failed", "", reason[:500], clock.now()
