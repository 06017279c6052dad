"""Running an analysis and keeping its results."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from abm.analysis.models import AnalysisRun
from abm.analysis.queries import find_previous_run, get_run
from abm.analysis.results import CUSTOMERS, FACTORS, PERIODS, VALUE_KINDS
from abm.analysis.thresholds import Thresholds, read_thresholds
from abm.audit.actions import actor, record
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from abm.orders.queries import count_without_margin
from core import clock
from core.db import refresh_statistics
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit

if TYPE_CHECKING:
    from abm.analysis.summing import Analysis

# What pages and rules of lists look for most.
_LOOKED_FOR = ("run_id", "value", "orders", "abc", "xyz", "cell", "rhythm", "last_on", "overdue_ratio", "segment")


@dataclass(frozen=True)
class Wanted:
    """What somebody wants analysed. `as_of` None: the day of the last order; `period` auto: the proposal."""

    as_of: date | None = None
    from_on: date | None = None
    period: str = "auto"
    value_kind: str = "revenue"
    factor: str = "account"


def run_analysis(session: Session, *, as_of: date | None = None, from_on: date | None = None, period: str = "auto",
                 value_kind: str = "revenue", factor: str = "account") -> AnalysisRun:
    """Analyse at once and keep the run with its results.

    `as_of` None: the day of the last order; `period` auto: the proposal. Raises InvalidInput for values that cannot be,
    Refused where there are no orders to analyse.
    """
    run = plan_analysis(session, Wanted(as_of, from_on, period, value_kind, factor))
    keep_results(session, run=run, analysis=compute(session, run=run))
    keep_comparison(session, run)
    return run


def keep_comparison(session: Session, run: AnalysisRun) -> None:
    """Count who moved since the run before, for the pages; a step of its own, since it only reads what is stored."""
    from abm.analysis.comparing import count_moves

    before = find_previous_run(session, run)
    if before is not None:
        session.add(count_moves(session, run, before))
        session.flush()


def request_analysis(session: Session, wanted: Wanted) -> AnalysisRun:
    """Plan a run and have a worker carry it out after the commit."""
    run = plan_analysis(session, wanted)
    ring_after_commit(session, "analysis.run", run_id=run.id)
    return run


def plan_analysis(session: Session, wanted: Wanted) -> AnalysisRun:
    """A run that waits to be carried out, with the company's thresholds of this moment. Raises InvalidInput."""
    _check(wanted)
    lines = read_thresholds(get_company(session).analysis_thresholds)
    run = AnalysisRun(state="waiting", step="Waiting for a worker", factor=wanted.factor, as_of=wanted.as_of,
                      from_on=wanted.from_on, period=wanted.period, value_kind=wanted.value_kind,
                      thresholds=lines.stored(), started_at=clock.now(), started_by=actor().name)
    session.add(run)
    session.flush()
    record(session, action="analysis.run", subject="analysis", subject_id=run.id,
           after={"as_of": wanted.as_of and wanted.as_of.isoformat(),
                  "from": wanted.from_on and wanted.from_on.isoformat(),
                  "period": wanted.period, "value": wanted.value_kind, "by": wanted.factor})
    return run


def _check(wanted: Wanted) -> None:
    wrong = {}
    for name, value, allowed, word in (("period", wanted.period, PERIODS, "a period"),
                                       ("value", wanted.value_kind, VALUE_KINDS, "a value"),
                                       ("by", wanted.factor, FACTORS, "something to analyse by")):
        if value not in allowed:
            wrong[name] = f"{value!r} is not {word}; use {', '.join(allowed)}"
    if wanted.as_of and wanted.from_on and wanted.from_on > wanted.as_of:
        wrong["from"] = f"The first day, {wanted.from_on}, is after the last one, {wanted.as_of}"
    if wrong:
        raise InvalidInput("; ".join(wrong.values()), wrong)


def compute(session: Session, *, run: AnalysisRun) -> "Analysis":
    """The numbers of a planned run, from the order days on file. Only reads. Raises Refused where there are none."""
    # numpy costs a tenth of a second: pages that only plan a run do without it
    from abm.analysis.abc_xyz import Period
    from abm.analysis.computing import Question
    from abm.analysis.loading import Span, load_factor_days
    from abm.analysis.summing import analyse

    days = load_factor_days(session, factor=run.factor, span=Span(run.as_of, run.from_on), value_kind=run.value_kind)
    if not days.account_ids:
        span = f" from {run.from_on}" if run.from_on else ""
        span += f" up to {run.as_of}" if run.as_of else ""
        what = "order lines" if run.factor == "product" else "orders"
        raise Refused(f"There are no {what}{span} to analyse; import {what} or choose other days")
    period = None if run.period == "auto" else Period(run.period)
    found = analyse(days, Question(run.as_of, run.from_on, period, read_thresholds(run.thresholds), run.value_kind,
                                   run.factor in CUSTOMERS))
    if run.value_kind == "margin":
        without, counted = count_without_margin(session, since=run.from_on, until=run.as_of)
        found.facts["without_margin"] = {"orders": without, "of": counted}
    return found


def keep_results(session: Session, *, run: AnalysisRun, analysis: "Analysis") -> None:
    """Store a row per account (or other thing) and finish the run."""
    from abm.analysis.storing import store_results

    store_results(session, run_id=run.id, factor=run.factor, analysis=analysis)
    run.state, run.step, run.finished_at = "done", "", clock.now()
    run.as_of, run.period = analysis.as_of, analysis.period.value
    run.totals, run.facts, run.fingerprint = analysis.totals, analysis.facts, analysis.fingerprint
    refresh_statistics(session, "account_result" if run.factor == "account" else "factor_result", columns=_LOOKED_FOR)
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


def set_thresholds(session: Session, *, lines: Thresholds) -> None:
    """The company's lines for runs from now on; finished runs keep theirs."""
    set_company_value(session, name="analysis_thresholds", value=lines.stored())
