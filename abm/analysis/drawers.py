"""Drawers that open a number of one account into its arithmetic."""

from flask import Blueprint, g, render_template, request

from abm.analysis.arithmetic import guessed_gap, rank_of, rhythm_of, steadiness_of
from abm.analysis.models import AnalysisRun
from abm.analysis.queries import get_run, latest_run
from abm.analysis.result_table import get_result
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import NotFound

LINES = {
    "A": "the share before it is below 80 %",
    "B": "the share before it is at least 80 % and below 95 %",
    "C": "the share before it is at least 95 %",
}


def add_to(pages: Blueprint) -> None:
    """Serve the drawers under /analysis/why/ACCOUNT/…"""
    for name, view in (("class", why_class), ("steadiness", why_steadiness), ("scores", why_scores),
                       ("rhythm", why_rhythm), ("alive", why_alive)):
        pages.add_url_rule(f"/analysis/why/<int:account_id>/{name}", view_func=view)


def _run() -> AnalysisRun:
    wanted = request.args.get("run", type=int)
    run = latest_run(g.session) if wanted is None else get_run(g.session, wanted)
    if run is None or run.state != "done":
        raise NotFound("There is no finished analysis yet")
    return run


@requires(Permission.SEE)
def why_class(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_class.html", run=run, result=result, account=account, lines=LINES,
                           rank=rank_of(g.session, result), ranked=(run.facts or {}).get("ranked"))


@requires(Permission.SEE)
def why_steadiness(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_steadiness.html", run=run, result=result, account=account,
                           steadiness=steadiness_of(g.session, run, account_id))


@requires(Permission.SEE)
def why_scores(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_scores.html", run=run, result=result, account=account,
                           lines=(run.facts or {}).get("quintiles", {}))


@requires(Permission.SEE)
def why_rhythm(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    guess = guessed_gap(g.session, run, account) if result.order_days < 3 else None
    return render_template("analysis/why_rhythm.html", run=run, result=result, account=account, guess=guess,
                           rhythm=rhythm_of(g.session, run, account_id))


@requires(Permission.SEE)
def why_alive(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_alive.html", run=run, result=result, account=account,
                           model=(run.totals or {})["bgnbd"])
