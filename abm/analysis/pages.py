"""The analysis: matrix, concentration, rhythm, the table of all accounts, runs."""

from itertools import pairwise
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.analysis import account_columns, drawers
from abm.analysis.actions import request_analysis
from abm.analysis.arithmetic import rfm_counts
from abm.analysis.findings import (
    VALUE_WORDS,
    concentration_finding,
    model_finding,
    rhythm_finding,
    steadiness_finding,
)
from abm.analysis.forms import parse_run
from abm.analysis.models import AnalysisRun
from abm.analysis.queries import get_run, latest_run, list_runs
from abm.analysis.result_table import COLUMNS, FILTERS, export_filtered, read_listing, result_order, select_results
from abm.analysis.results import EXPORT_COLUMNS, PERIODS, VALUE_KINDS
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("analysis", __name__)
Answer = str | Response | tuple[str, int]
SHOWN_RUNS = 50
drawers.add_to(pages)
account_columns.add_to_account_pages()


@pages.get("/analysis")
@requires(Permission.SEE)
def index() -> Answer:
    run = chosen_run()
    if run is None:
        return render_template("analysis/empty.html", unfinished=list_runs(g.session, limit=1))
    totals, facts = run.totals or {}, run.facts or {}
    return render_template(
        "analysis/index.html", run=run, totals=totals, facts=facts, word=VALUE_WORDS[run.value_kind],
        rfm=rfm_counts(g.session, run.id), concentration=concentration_finding(totals, facts, run.value_kind),
        rhythm=rhythm_finding(totals), steadiness=steadiness_finding(totals, facts), model=model_finding(totals, facts))


def chosen_run() -> AnalysisRun | None:
    """The finished run named in the address, else the latest."""
    wanted = request.args.get("run", type=int)
    if wanted is None:
        return latest_run(g.session)
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
                           filters=FILTERS, count=count_text(g.session, query, "account", "accounts"))


@exports(pages, "/analysis/accounts/export")
def export() -> Table:
    run = chosen_run()
    if run is None:
        abort(404)
    rows = export_filtered(g.session, read_listing(request.args, run))
    return Table(f"analysis-{run.as_of}", columns=EXPORT_COLUMNS, rows=rows)


@exports(pages, "/analysis/runs/export")
def export_runs() -> Table:
    columns = ("as_of", "from_on", "period", "value_kind", "state", "started_at", "finished_at", "started_by")
    counts = ("accounts", "orders", "value", "top20_share", "gini")
    rows = ([*(getattr(run, name) for name in columns), *((run.totals or {}).get(name) for name in counts)]
            for run in list_runs(g.session, limit=10_000))
    return Table("analysis-runs", columns=(*columns, *counts), rows=rows)


@pages.get("/analysis/runs")
@requires(Permission.SEE)
def runs() -> Answer:
    kept = list_runs(g.session, limit=SHOWN_RUNS)
    done = [run for run in kept if run.state == "done"]
    return render_template("analysis/runs.html", runs=kept, earlier={run.id: older for run, older in pairwise(done)})


@pages.get("/analysis/runs/new")
@requires(Permission.ANALYSE)
def new_run() -> Answer:
    return _form({"period": "auto", "value": "revenue"}, {})


@pages.post("/analysis/runs")
@requires(Permission.ANALYSE)
def start_run() -> Answer:
    try:
        run = request_analysis(g.session, **parse_run(request.form))
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
    return render_template("analysis/form.html", typed=typed, errors=errors, periods=periods, kinds=kinds)
