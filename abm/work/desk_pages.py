"""The call desk: the next call, its script and facts, and how it ended."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.formatting import day as say_day
from abm.web.formatting import moment
from abm.web.permissions import Permission
from abm.work import claims, dialling
from abm.work.blueprint import pages
from abm.work.call_costs import CallSum, list_tries, sum_by_caller, sum_by_campaign
from abm.work.call_queue import count_due_calls_of_others, list_due_calls
from abm.work.calling_hours import opening_of, zone_of
from abm.work.calls import clock_of, record_call
from abm.work.desk import get_desk_facts, line_of_product, name_products, render_desk_cards, search_products
from abm.work.forms import parse_call_result
from abm.work.models import Task
from abm.work.order_lines import FIELDS, TypedLine, read_lines, typed_lines
from abm.work.outcomes import OUTCOMES, SENTIMENTS
from abm.work.queries import get_task
from abm.work.script_answers import answer_script, walk_of
from abm.work.scripts import parse_script
from core import clock
from core.errors import InvalidInput

Answer = str | Response | tuple[str, int]
_COST_DAYS = 90


@pages.get("/calls")
@requires(Permission.SEE)
def calls() -> Answer:
    whose = request.args.get("whose", "mine")
    due = list_due_calls(g.session, user_id=None if whose == "all" else g.user.id)
    others = 0 if due or whose == "all" else count_due_calls_of_others(g.session, user_id=g.user.id)
    return render_template("work/calls.html", calls=due, whose=whose, others=others, now=clock.now(),
                           today=company_today(g.session),
                           holders=claims.list_holders(g.session, [call.task for call in due], but=g.user.id))


@exports(pages, "/calls/export")
def export_calls() -> Table:
    user_id = None if request.args.get("whose") == "all" else g.user.id
    rows = ((call.task.title, call.task.account and call.task.account.external_id,
             call.task.account and call.task.account.name, call.task.contact and call.task.contact.external_id,
             call.task.owner and call.task.owner.email, call.task.due_on, call.task.note, call.priority, call.opens_at)
            for call in list_due_calls(g.session, user_id=user_id, limit=100_000))
    return Table("calls-due", rows=rows, columns=("call", "account_id", "account", "contact_id", "owner_email",
                                                  "due_on", "note", "priority", "opens_at"))


@pages.get("/calls/costs")
@requires(Permission.SEE)
def call_costs() -> Answer:
    """What calling cost: of a day by caller, of the last months by campaign."""
    day = _day()
    return render_template("work/call_costs.html", day=day, days=_COST_DAYS, by_caller=sum_by_caller(g.session, on=day),
                           by_campaign=sum_by_campaign(g.session, since=_costs_since()))


@exports(pages, "/calls/costs/export")
def export_call_costs() -> Table:
    rows = (("caller", *one) for one in sum_by_caller(g.session, on=_day()))
    campaigns = (("campaign", *one) for one in sum_by_campaign(g.session, since=_costs_since()))
    return Table("call-costs", columns=("by", *CallSum._fields), rows=chain(rows, campaigns))


def _day() -> date:
    today = company_today(g.session)
    try:
        return today.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today


def _costs_since() -> datetime:
    return clock.now() - timedelta(days=_COST_DAYS)


@pages.get("/calls/<int:task_id>")
@requires(Permission.SEE)
def call(task_id: int) -> Answer:
    return _desk(get_task(g.session, task_id), {}, {})


def _desk(task: Task, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    today, now = company_today(g.session), clock.now()
    facts = get_desk_facts(g.session, task, today=today)
    waiting = [other for other in list_due_calls(g.session, user_id=g.user.id) if other.task.id != task.id]
    people = tuple(person.id for person in facts.people) if task.contact_id is None else ()
    return render_template(
        "work/call.html", task=task, typed=typed or {"ordered_on": today}, errors=errors, outcomes=OUTCOMES,
        sentiments=SENTIMENTS, facts=facts, products=search_products(g.session), today=today, waiting=waiting,
        dialling=dialling.ask_gate(g.session, task, people=people), walk=walk_of(task),
        script=parse_script(task.script),
        holder=claims.find_holder(g.session, task, but=g.user.id), zone=zone_of(clock_of(task), g.company), now=now,
        opens_at=opening_of(clock_of(task), g.company, now), tries=list_tries(g.session, task.id),
        cards=render_desk_cards(g.session, task.account, task.contact_id) if task.account else [], lines=_typed_lines(),
        names=name_products(g.session, _typed_lines()),
        total=read_lines(_typed_lines()).total, renew_seconds=claims.RENEW_SECONDS)


def _typed_lines() -> list[TypedLine]:
    return typed_lines({name: request.values.getlist(f"line_{name}") for name in FIELDS})


@pages.post("/calls/next")
@requires(Permission.WORK)
def next_call() -> Answer:
    """The next call that nobody has open, taken for this caller."""
    return _go_on(but=request.form.get("but", type=int))


def _go_on(but: int | None = None) -> Response:
    task = claims.claim_next(g.session, user_id=g.user.id, but=but)
    if task is None:
        flash("Nobody else can be called now; the desk says who opens when", "info")
    return redirect(url_for("work.call", task_id=task.id) if task else url_for("work.calls"))


@pages.post("/calls/<int:task_id>/claim")
@requires(Permission.WORK)
def claim(task_id: int) -> Answer:
    """Asked by the open page every minute: the call stays this caller's, or who has it is said."""
    is_mine = claims.claim_call(g.session, task_id=task_id, user_id=g.user.id)
    task = get_task(g.session, task_id)
    return render_template("work/_claim.html", task=task, is_mine=is_mine,
                           holder=claims.find_holder(g.session, task, but=g.user.id))


@pages.post("/calls/<int:task_id>/dial")
@requires(Permission.WORK)
def dial(task_id: int) -> Answer:
    """Call although the gate would wait."""
    dialling.dial_anyway(g.session, get_task(g.session, task_id))
    return redirect(url_for("work.call", task_id=task_id))


@pages.post("/calls/<int:task_id>/script")
@requires(Permission.WORK)
def answer(task_id: int) -> Answer:
    """An answer in the script; to htmx the next step alone."""
    task = get_task(g.session, task_id)
    walked = answer_script(g.session, task=task, passed=request.form.get("passed", 0, type=int),
                           choice=request.form.get("choice", 0, type=int), user_id=g.user.id)
    if request.headers.get("HX-Request"):
        return render_template("work/_script.html", task=task, walk=walked, script=parse_script(task.script))
    return redirect(url_for("work.call", task_id=task_id))


@pages.post("/calls/<int:task_id>/outcome")
@requires(Permission.WORK)
def save_outcome(task_id: int) -> Answer:
    try:
        result = parse_call_result(request.form, today=company_today(g.session), typed=_typed_lines())
        task = record_call(g.session, task_id=task_id, company=g.company, result=result)
    except InvalidInput as error:
        return _desk(get_task(g.session, task_id), request.form, error.fields), 422
    flash(_say_end(task), "success")
    return _go_on()


def _say_end(task: Task) -> Markup:
    if task.state == "done":
        return Markup("Call done")
    return Markup("Back on the desk: {}").format(moment(task.ready_at) if task.ready_at else say_day(task.due_on))


@pages.get("/calls/products")
@requires(Permission.SEE)
def products() -> Answer:
    found = search_products(g.session, request.args.get("product", "").strip())
    return render_template("work/_products.html", products=found)


@pages.get("/calls/line")
@requires(Permission.SEE)
def order_line() -> Answer:
    """A further row of the order form, for a product or empty."""
    line = line_of_product(g.session, request.args.get("sku", ""), currency=g.company.currency)
    return render_template("work/_order_line.html", line=line if line.sku else TypedLine(),
                           names=name_products(g.session, [line]))


@pages.get("/calls/total")
@requires(Permission.SEE)
def order_total() -> Answer:
    """What the typed lines come to."""
    read = read_lines(_typed_lines())
    found: dict[str, Any] = {"total": read.total, "line_errors": read.errors}
    return render_template("work/_order_total.html", **found)


@pages.get("/tasks/accounts")
@requires(Permission.SEE)
def account_names() -> Answer:
    """Names of accounts that fit what is typed, as options of the form's list."""
    text = request.args.get("account", "").strip()
    rows = g.session.scalars(select(Account.name).where(Account.name.icontains(text, autoescape=True))
                             .order_by(Account.name_key).limit(15)).all() if text else []
    return render_template("work/_account_names.html", names=rows)
