"""Drawers that open a number of one account into its arithmetic."""

from flask import Blueprint, g, render_template, request

from abm.analysis.arithmetic import guessed_gap, mean_repeat_value, rank_of, rhythm_of, steadiness_of
from abm.analysis.models import AnalysisRun
from abm.analysis.queries import get_run, latest_run
from abm.analysis.result_table import get_result, get_thing
from abm.analysis.results import ONE
from abm.analysis.thresholds import read_thresholds
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import NotFound


def add_to(pages: Blueprint) -> None:
    """Serve the drawers under /analysis/why/ACCOUNT/…"""
    for name, view in (("class", why_class), ("steadiness", why_steadiness), ("scores", why_scores),
                       ("rhythm", why_rhythm), ("alive", why_alive), ("share-growth", why_share_growth)):
        pages.add_url_rule(f"/analysis/why/<int:account_id>/{name}", view_func=view)
    pages.add_url_rule("/analysis/runs/<int:run_id>/things/<int:thing_id>", view_func=why_thing)
    exports(pages, "/analysis/why/<int:account_id>/steadiness/export")(export_steadiness)
    exports(pages, "/analysis/why/<int:account_id>/rhythm/export")(export_rhythm)


def _lines(run: AnalysisRun) -> dict[str, str]:
    """The words of the ABC lines of a run."""
    lines = read_thresholds(run.thresholds)
    a, b = f"{lines.a_below * 100:g} %", f"{lines.b_below * 100:g} %"
    return {"A": f"the share before it is below {a}", "B": f"the share before it is at least {a} and below {b}",
            "C": f"the share before it is at least {b}"}


def _run() -> AnalysisRun:
    wanted = request.args.get("run", type=int)
    run = latest_run(g.session) if wanted is None else get_run(g.session, wanted)
    if run is None or run.state != "done" or run.factor != "account":
        raise NotFound("There is no finished analysis yet")
    return run


@requires(Permission.SEE)
def why_class(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_class.html", run=run, result=result, account=account, words=_lines(run),
                           lines=read_thresholds(run.thresholds), rank=rank_of(g.session, result),
                           ranked=(run.facts or {}).get("ranked"))


@requires(Permission.SEE)
def why_steadiness(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_steadiness.html", run=run, result=result, account=account,
                           lines=read_thresholds(run.thresholds), steadiness=steadiness_of(g.session, run, account_id))


def export_steadiness(account_id: int) -> Table:
    run = _run()
    _, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return Table(f"{account.external_id}-periods", columns=(run.period, run.value_kind),
                 rows=steadiness_of(g.session, run, account_id).periods)


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
    known_from = read_thresholds(run.thresholds).known_from_order_days
    guess = guessed_gap(g.session, run, account) if result.order_days < known_from else None
    return render_template("analysis/why_rhythm.html", run=run, result=result, account=account, guess=guess,
                           lines=read_thresholds(run.thresholds), rhythm=rhythm_of(g.session, run, account_id))


def export_rhythm(account_id: int) -> Table:
    run = _run()
    _, account = get_result(g.session, run_id=run.id, account_id=account_id)
    rhythm = rhythm_of(g.session, run, account_id)
    return Table(f"{account.external_id}-order-days", columns=("day", "days_since_the_one_before"),
                 rows=zip(rhythm.days, (None, *rhythm.gaps), strict=False))


@requires(Permission.SEE)
def why_alive(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_alive.html", run=run, result=result, account=account,
                           model=(run.totals or {})["bgnbd"], spend=(run.facts or {}).get("spend"),
                           mean=mean_repeat_value(g.session, run, account_id))


@requires(Permission.SEE)
def why_share_growth(account_id: int) -> str:
    run = _run()
    result, account = get_result(g.session, run_id=run.id, account_id=account_id)
    return render_template("analysis/why_share_growth.html", run=run, result=result, name=account.name,
                           lines=read_thresholds(run.thresholds))


@requires(Permission.SEE)
def why_thing(run_id: int, thing_id: int) -> str:
    """Everything about a product, region, site or parent in a run."""
    run = get_run(g.session, run_id)
    return render_template("analysis/why_thing.html", run=run, words=_lines(run), one=ONE[run.factor],
                           lines=read_thresholds(run.thresholds), quintiles=(run.facts or {}).get("quintiles", {}),
                           result=get_thing(g.session, run_id=run_id, thing_id=thing_id))
