"""The analysis: matrix, concentration, rhythm, segments, the table of everything in a run, runs."""

from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.analysis import account_columns, comparing_pages, drawers, threshold_pages
from abm.analysis.actions import request_analysis
from abm.analysis.findings import VALUE_WORDS, say_findings
from abm.analysis.forms import parse_run
from abm.analysis.models import AnalysisRun
from abm.analysis.portfolio_chart import draw
from abm.analysis.queries import get_run, latest_run, list_portfolio, list_runs
from abm.analysis.result_table import (
    COLUMNS,
    FILTERS,
    export_columns,
    export_filtered,
    read_listing,
    result_order,
    select_results,
)
from abm.analysis.results import FACTORS, MANY, ONE, PERIODS, VALUE_KINDS
from abm.analysis.segments import SEGMENTS
from abm.analysis.share_growth import QUADRANTS
from abm.analysis.shares import share_of, whole_of
from abm.analysis.thresholds import read_thresholds
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("analysis", __name__)
Answer = str | Response | tuple[str, int]
SHOWN_RUNS = 50
for part in (drawers, comparing_pages, threshold_pages):
    part.add_to(pages)
account_columns.add_to_account_pages()


@pages.app_template_global("analysis_words")
def analysis_words() -> dict[str, Any]:
    """Words that the analysis's templates share."""
    return {"segments": SEGMENTS, "quadrants": QUADRANTS, "factors": MANY}


@pages.get("/analysis")
@requires(Permission.SEE)
def index() -> Answer:
    run = chosen_run()
    if run is None:
        factor = wanted_factor()
        return render_template("analysis/empty.html", factor=factor,
                               unfinished=[one for one in list_runs(g.session, limit=1) if one.factor == factor])
    totals, facts = run.totals or {}, run.facts or {}
    return render_template(
        "analysis/index.html", drawing=_portfolio(run), run=run, totals=totals, facts=facts,
        word=VALUE_WORDS[run.value_kind],
        whole=whole_of(totals, facts), share_of=share_of,
        things=MANY[run.factor], rfm={(one["r"], one["f"]): one for one in facts.get("scores", [])},
        lines=read_thresholds(run.thresholds), said=say_findings(totals, facts, run.value_kind, run.factor))


def _portfolio(run: AnalysisRun) -> dict[str, Any] | None:
    """The share/growth matrix of the largest ones; None where nothing can be drawn."""
    lines = read_thresholds(run.thresholds)
    drawing = draw(list_portfolio(g.session, run), share_line=lines.share_line, growth_line=lines.growth_line)
    if run.factor == "account":
        links = {dot.id: url_for("analysis.why_share_growth", account_id=dot.id, run=run.id) for dot in drawing["dots"]}
    else:
        links = {dot.id: url_for("analysis.why_thing", run_id=run.id, thing_id=dot.id) for dot in drawing["dots"]}
    drawing["dots"] = [replace(dot, link=links[dot.id]) for dot in drawing["dots"]]
    return drawing if drawing["dots"] else None


def wanted_factor() -> str:
    """What the address asks to see the analysis by."""
    factor = request.args.get("by", "account")
    return factor if factor in FACTORS else "account"


def chosen_run() -> AnalysisRun | None:
    """The finished run named in the address, else the latest by the factor asked for."""
    wanted = request.args.get("run", type=int)
    if wanted is None:
        return latest_run(g.session, wanted_factor())
    run = get_run(g.session, wanted)
    if run.state != "done":
        abort(404)
    return run


@pages.get("/analysis/accounts")
@requires(Permission.SEE)
def accounts() -> Answer:
    run = chosen_run()
    if run is None:
        return redirect(url_for("analysis.index"))
    listing = read_listing(request.args, run)
    query, order = select_results(listing), result_order(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template("analysis/accounts.html", run=run, page=page, listing=listing, columns=COLUMNS,
                           filters=FILTERS, count=count_text(g.session, query, ONE[run.factor], MANY[run.factor]))


@exports(pages, "/analysis/accounts/export")
def export() -> Table:
    """The table as filtered, with the columns of the contract."""
    return _table(everything=False)


@exports(pages, "/analysis/accounts/export-all")
def export_all() -> Table:
    """The same with what we know beside: segment, membership, season, share and growth, value of the next year."""
    return _table(everything=True)


def _table(*, everything: bool) -> Table:
    run = chosen_run()
    if run is None:
        abort(404)
    listing = read_listing(request.args, run)
    rows = export_filtered(g.session, listing, everything=everything)
    return Table(f"analysis-{run.as_of}", columns=export_columns(listing, everything=everything), rows=rows)


@exports(pages, "/analysis/runs/export")
def export_runs() -> Table:
    columns = ("factor", "as_of", "from_on", "period", "value_kind", "state", "started_at", "finished_at", "started_by",
               "fingerprint")
    counts = ("accounts", "orders", "value", "top20_share", "gini")
    rows = ([*(getattr(run, name) for name in columns), *((run.totals or {}).get(name) for name in counts)]
            for run in list_runs(g.session, limit=10_000))
    return Table("analysis-runs", columns=(*columns, *counts), rows=rows)


@pages.get("/analysis/runs")
@requires(Permission.SEE)
def runs() -> Answer:
    kept = list_runs(g.session, limit=SHOWN_RUNS)
    done = [run for run in kept if run.state == "done"]
    alike = groupby(sorted(done, key=_asked), key=_asked)
    earlier = {run.id: older for _asked_for, same in alike for run, older in pairwise(same)}
    return render_template("analysis/runs.html", runs=kept, earlier=earlier)


def _asked(run: AnalysisRun) -> tuple[str, str]:
    """Runs by the same factor and value can be compared."""
    return run.factor, run.value_kind


@pages.get("/analysis/runs/new")
@requires(Permission.ANALYSE)
def new_run() -> Answer:
    return _form({"period": "auto", "value": "revenue", "by": wanted_factor()}, {})


@pages.post("/analysis/runs")
@requires(Permission.ANALYSE)
def start_run() -> Answer:
    try:
        run = request_analysis(g.session, parse_run(request.form))
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    return redirect(url_for("analysis.show_run", run_id=run.id))


@pages.get("/analysis/runs/<int:run_id>")
@requires(Permission.SEE)
def show_run(run_id: int) -> Answer:
    """A run under way; a finished one leads to its results. Asked by htmx every second, it answers the state alone."""
    run = get_run(g.session, run_id)
    is_part = bool(request.headers.get("HX-Request"))
    if run.state == "done":
        target = url_for("analysis.index", run=run.id)
        return Response(headers={"HX-Redirect": target}) if is_part else redirect(target)
    return render_template("analysis/_run_state.html" if is_part else "analysis/run.html", run=run)


def _form(typed: Any, errors: Any) -> str:
    periods = [(one, "By the usual gap between orders" if one == "auto" else one.capitalize()) for one in PERIODS]
    kinds = [(kind, VALUE_WORDS[kind].capitalize()) for kind in VALUE_KINDS]
    factors = [(factor, MANY[factor].capitalize()) for factor in FACTORS]
    return render_template("analysis/form.html", typed=typed, errors=errors, periods=periods, kinds=kinds,
                           factors=factors)
