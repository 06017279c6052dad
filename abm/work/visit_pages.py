"""Visits: the list, and one that is walked step by step."""

from collections.abc import Mapping
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.company.queries import company_today
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from abm.work.blueprint import pages
from abm.work.desk import get_desk_facts
from abm.work.forms import parse_visit_result
from abm.work.models import Task
from abm.work.outcomes import SENTIMENTS
from abm.work.queries import get_task
from abm.work.visit_queries import (
    REPORT_COLUMNS,
    export_reports,
    list_expenses,
    list_past_visits,
    list_visits,
    measure_strictness,
)
from abm.work.visit_steps import EXPENSES, OUTCOMES, STEPS, strictness, walked
from abm.work.visits import record_visit, tick_step
from core.errors import InvalidInput

Answer = str | Response | tuple[str, int]


@pages.get("/visits")
@requires(Permission.SEE)
def visits() -> Answer:
    whose = request.args.get("whose", "mine")
    return render_template(
        "work/visits.html", visits=list_visits(g.session, user_id=None if whose == "all" else g.user.id), whose=whose,
        past=list_past_visits(g.session), figures=measure_strictness(g.session), outcomes=OUTCOMES,
        today=company_today(g.session))


@exports(pages, "/visits/export")
def export_visits() -> Table:
    """Reports of visits that are over, with their expenses."""
    return Table("visit-reports", columns=REPORT_COLUMNS, rows=export_reports(g.session))


@pages.get("/visits/<int:task_id>")
@requires(Permission.SEE)
def visit(task_id: int) -> Answer:
    return _visit(get_task(g.session, task_id), {}, {})


def _visit(task: Task, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "work/visit.html", task=task, typed=typed or {"ordered_on": company_today(g.session)}, errors=errors,
        outcomes=OUTCOMES, sentiments=SENTIMENTS, expense_kinds=EXPENSES, expenses=list_expenses(g.session, task.id),
        facts=get_desk_facts(g.session, task, today=company_today(g.session)), **_walk(task))


def _walk(task: Task) -> dict[str, Any]:
    ticks = (task.extra or {}).get("steps", {})
    return {"steps": STEPS, "ticks": ticks, "figure": strictness(walked(ticks)), "walked": walked(ticks)}


@pages.post("/visits/<int:task_id>/steps/<step>")
@requires(Permission.WORK)
def tick_visit_step(task_id: int, step: str) -> Answer:
    task = tick_step(g.session, task_id=task_id, step=step, is_done=request.form.get("done") == "yes",
                     note=request.form.get("note", "").strip())
    if request.headers.get("HX-Request"):
        return render_template("work/_visit_steps.html", task=task, **_walk(task))
    return redirect(url_for("work.visit", task_id=task_id))


@pages.post("/visits/<int:task_id>/outcome")
@requires(Permission.WORK)
def save_visit(task_id: int) -> Answer:
    try:
        result = parse_visit_result(request.form, today=company_today(g.session))
        record_visit(g.session, task_id=task_id, result=result, company=g.company)
    except InvalidInput as error:
        return _visit(get_task(g.session, task_id), request.form, error.fields), 422
    flash("Visit done; it stands on the account's timeline", "success")
    return redirect(url_for("work.visits"))
