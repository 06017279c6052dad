"""Who moved between two runs, and why."""

from typing import Any

from flask import Blueprint, g, render_template, request

from abm.analysis.comparing import MOVE_COLUMNS, explained, find_comparison, move_rows, select_moved
from abm.analysis.models import AccountResult, AnalysisRun, FactorResult
from abm.analysis.moves import KINDS
from abm.analysis.queries import find_previous_run, get_run, latest_run, list_done_runs
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import NotFound


def add_to(pages: Blueprint) -> None:
    """Serve the comparison under /analysis/compare."""
    pages.add_url_rule("/analysis/compare", view_func=compare)
    exports(pages, "/analysis/compare/export")(export_moves)


@requires(Permission.SEE)
def compare() -> str:
    run, before = _chosen()
    if run is None or before is None:
        return render_template("analysis/compare_empty.html", run=run)
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    found = find_comparison(g.session, run, before)
    query, order = select_moved(run, before, kind, found.few.get(kind)), _order(run)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    rows: list[tuple[Any, ...]] = [(now, then, key, name, explained(run, before, now, then))
                                   for now, then, key, name in page.rows]
    return render_template("analysis/compare.html", run=run, before=before, page=page, rows=rows, kind=kind,
                           kinds=KINDS, moves=found.moves,
                           others=list_done_runs(g.session, run.factor),
                           kept={"run": run.id, "with": before.id, **({"kind": kind} if kind else {})},
                           count=f"{found.counts[kind]:,} {'row' if found.counts[kind] == 1 else 'rows'}")


def export_moves() -> Table:
    run, before = _chosen()
    if run is None or before is None:
        raise NotFound("There are no two runs to compare")
    return Table(f"moved-{before.as_of}-{run.as_of}", columns=MOVE_COLUMNS, rows=move_rows(g.session, run, before))


def _chosen() -> tuple[AnalysisRun | None, AnalysisRun | None]:
    wanted, other = request.args.get("run", type=int), request.args.get("with", type=int)
    run = latest_run(g.session) if wanted is None else get_run(g.session, wanted)
    if run is None:
        return None, None
    before = find_previous_run(g.session, run) if other is None else get_run(g.session, other)
    for one in (run, before):
        if one is not None and (one.state != "done" or one.factor != run.factor):
            raise NotFound("These two runs cannot be compared")
    return _by_day(run, before) if other is None else (run, before)


def _by_day(run: AnalysisRun, before: AnalysisRun | None) -> tuple[AnalysisRun, AnalysisRun | None]:
    """The later day last, also where the earlier one was analysed afterwards."""
    if before is not None and before.as_of and run.as_of and before.as_of > run.as_of:
        return before, run
    return run, before


def _order(run: AnalysisRun) -> Order:
    if run.factor == "account":
        return Order(AccountResult.value, AccountResult.account_id, is_descending=True, is_nullable=False)
    return Order(FactorResult.value, FactorResult.thing_id, is_descending=True, is_nullable=False)
