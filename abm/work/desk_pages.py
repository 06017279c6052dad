"""The call desk: the next call, its script and facts, and how it ended."""

from collections.abc import Mapping

from flask import flash, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from abm.work.blueprint import pages
from abm.work.calls import record_call
from abm.work.desk import get_desk_facts, search_products
from abm.work.forms import parse_call_result
from abm.work.models import Task
from abm.work.outcomes import OUTCOMES, SENTIMENTS
from abm.work.queries import get_task, list_due_calls
from core.errors import InvalidInput

Answer = str | Response | tuple[str, int]


@pages.get("/calls")
@requires(Permission.SEE)
def calls() -> Answer:
    whose = request.args.get("whose", "mine")
    today = company_today(g.session)
    due = list_due_calls(g.session, user_id=None if whose == "all" else g.user.id, today=today)
    return render_template("work/calls.html", calls=due, whose=whose, today=today)


@exports(pages, "/calls/export")
def export_calls() -> Table:
    today = company_today(g.session)
    user_id = None if request.args.get("whose") == "all" else g.user.id
    rows = ((call.title, call.account and call.account.external_id, call.account and call.account.name,
             call.contact and call.contact.external_id, call.owner and call.owner.email, call.due_on, call.note)
            for call in list_due_calls(g.session, user_id=user_id, today=today, limit=100_000))
    return Table("calls-due", columns=("call", "account_id", "account", "contact_id", "owner_email", "due_on", "note"),
                 rows=rows)


@pages.get("/calls/<int:task_id>")
@requires(Permission.SEE)
def call(task_id: int) -> Answer:
    return _desk(get_task(g.session, task_id), {}, {})


def _desk(task: Task, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    today = company_today(g.session)
    waiting = [other for other in list_due_calls(g.session, user_id=g.user.id, today=today) if other.id != task.id]
    return render_template(
        "work/call.html", task=task, typed=typed or {"ordered_on": today}, errors=errors, outcomes=OUTCOMES,
        sentiments=SENTIMENTS, facts=get_desk_facts(g.session, task), products=search_products(g.session),
        today=today, waiting=waiting)


@pages.post("/calls/<int:task_id>/outcome")
@requires(Permission.WORK)
def save_outcome(task_id: int) -> Answer:
    today = company_today(g.session)
    try:
        task = record_call(g.session, task_id=task_id, company=g.company, today=today,
                           result=parse_call_result(request.form, today=today))
    except InvalidInput as error:
        return _desk(get_task(g.session, task_id), request.form, error.fields), 422
    flash("Call done" if task.state == "done" else f"Back on the desk on {task.due_on}", "success")
    waiting = list_due_calls(g.session, user_id=g.user.id, today=today, limit=1)
    return redirect(url_for("work.call", task_id=waiting[0].id) if waiting else url_for("work.calls"))


@pages.get("/calls/products")
@requires(Permission.SEE)
def products() -> Answer:
    found = search_products(g.session, request.args.get("product", "").strip())
    return render_template("work/_products.html", products=found)


@pages.get("/tasks/accounts")
@requires(Permission.SEE)
def account_names() -> Answer:
    """Names of accounts that fit what is typed, as options of the form's list."""
    text = request.args.get("account", "").strip()
    rows = g.session.scalars(select(Account.name).where(Account.name.icontains(text, autoescape=True))
                             .order_by(Account.name_key).limit(15)).all() if text else []
    return render_template("work/_account_names.html", names=rows)
