"""The partner's own pages: its accounts, tasks and orders, and nothing else of ours."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.orders.queries import list_lines
from abm.partners import portal_actions
from abm.partners.models import Partner
from abm.partners.portal_queries import (
    ACCOUNT_COLUMNS,
    BY_DAY,
    BY_NAME,
    ORDER_COLUMNS,
    TASK_COLUMNS,
    export_own_accounts,
    export_own_orders,
    export_own_tasks,
    list_own_lines,
    list_own_tasks,
    list_people,
    list_prices,
    measure_own_share,
    search_own_accounts,
    search_own_orders,
    search_sold_products,
)
from abm.partners.scope import get_own_account, get_own_order, get_own_partner, get_own_task
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.fields import Fields
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission
from abm.work.calling_hours import opening_of
from abm.work.calls import clock_of
from abm.work.dialling import ask_gate
from abm.work.forms import parse_call_result, parse_visit_result
from abm.work.models import Task
from abm.work.order_lines import FIELDS, TypedLine, read_lines, typed_lines
from abm.work.outcomes import OUTCOMES
from abm.work.script_answers import answer_script, walk_of
from abm.work.scripts import parse_script
from abm.work.visit_steps import OUTCOMES as VISIT_OUTCOMES
from core import clock
from core.errors import InvalidInput

pages = Blueprint("portal", __name__, url_prefix="/portal")
Answer = str | Response | tuple[str, int]
OWN = Permission.SERVE_AS_PARTNER
_BLANK_LINES = 3
# The order of a visit is entered with its lines on a page of its own.
_ENDINGS = {"call": dict(OUTCOMES),
            "visit": {name: words for name, words in VISIT_OUTCOMES.items() if name != "order"}}


def _partner() -> Partner:
    return get_own_partner(g.session, g.user.id)


def _text() -> str:
    return request.args.get("q", "").strip()[:200]


@pages.get("")
@requires(OWN)
def home() -> Answer:
    partner, today = _partner(), company_today(g.session)
    latest = search_own_orders(partner, "").order_by(BY_DAY.by.desc(), BY_DAY.key.desc()).limit(5)
    return render_template("portal/home.html", partner=partner, today=today,
                           figures=measure_own_share(g.session, partner, today=today),
                           tasks=list_own_tasks(g.session, partner, limit=20), orders=g.session.execute(latest).all())


@pages.get("/accounts")
@requires(OWN)
def accounts() -> Answer:
    query = search_own_accounts(_partner(), _text())
    page = fetch_page(g.session, query, order=BY_NAME, place=read_place(request.args, BY_NAME))
    return render_template("portal/accounts.html", page=page, kept={"q": _text()} if _text() else {},
                           count=count_text(g.session, query, "account", "accounts"))


@exports(pages, "/accounts/export", permission=OWN)
def export_accounts() -> Table:
    return Table("accounts", columns=ACCOUNT_COLUMNS, rows=export_own_accounts(g.session, _partner(), _text()))


@pages.get("/accounts/<int:account_id>")
@requires(OWN)
def account(account_id: int) -> Answer:
    partner = _partner()
    found, given = get_own_account(g.session, partner, account_id)
    orders = search_own_orders(partner, "", account_id=account_id)
    parent = g.session.scalar(select(Account.name).where(
        Account.id == found.parent_id,
        Account.id.in_(search_own_accounts(partner, "").with_only_columns(Account.id))))
    return render_template(
        "portal/account.html", account=found, given=given, partner=partner, parent=parent,
        tasks=list_own_tasks(g.session, partner, account_id=account_id), today=company_today(g.session),
        people=list_people(g.session, partner, account_id), lines=list_own_lines(g.session, partner, given),
        orders=g.session.execute(orders.order_by(BY_DAY.by.desc(), BY_DAY.key.desc()).limit(10)).all())


@pages.get("/tasks")
@requires(OWN)
def tasks() -> Answer:
    state = "closed" if request.args.get("state") == "closed" else "open"
    return render_template("portal/tasks.html", tasks=list_own_tasks(g.session, _partner(), state=state), state=state,
                           today=company_today(g.session))


@exports(pages, "/tasks/export", permission=OWN)
def export_tasks() -> Table:
    state = "closed" if request.args.get("state") == "closed" else "open"
    return Table("tasks", columns=TASK_COLUMNS, rows=export_own_tasks(g.session, _partner(), state))


@pages.get("/tasks/<int:task_id>")
@requires(OWN)
def task(task_id: int) -> Answer:
    return _task(get_own_task(g.session, _partner(), task_id), {}, {})


def _task(found: Task, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    dialling = ask_gate(g.session, found) if found.kind == "call" and found.state == "open" else None
    opening = opening_of(clock_of(found), g.company, clock.now()) if dialling else None
    may_dial = dialling is None or not (dialling.is_blocked or dialling.needs_decision)
    return render_template("portal/task.html", task=found, typed=typed, errors=errors, dialling=dialling,
                           opens_at=opening if opening and opening > clock.now() else None,
                           phone=found.contact.phone if found.contact and may_dial else None,
                           today=company_today(g.session), endings=_ENDINGS.get(found.kind, {}), **_script(found),
                           lines=[*_typed_lines(), TypedLine()], products=search_sold_products(g.session, ""))


def _script(found: Task) -> dict[str, Any]:
    """The way through the script of a call, as at our own desk."""
    return {"script": parse_script(found.script), "walk": walk_of(found), "is_own": True,
            "answer_at": url_for("portal.answer", task_id=found.id)}


@pages.post("/tasks/<int:task_id>/script")
@requires(OWN)
def answer(task_id: int) -> Answer:
    """An answer in the script; to htmx the next step alone."""
    found = get_own_task(g.session, _partner(), task_id)
    walked = answer_script(g.session, task=found, passed=request.form.get("passed", 0, type=int),
                           choice=request.form.get("choice", 0, type=int), user_id=g.user.id)
    if request.headers.get("HX-Request"):
        return render_template("work/_script.html", task=found, **{**_script(found), "walk": walked})
    return redirect(url_for("portal.task", task_id=task_id))


@pages.post("/tasks/<int:task_id>/done")
@requires(OWN)
def finish(task_id: int) -> Answer:
    partner = _partner()
    found = get_own_task(g.session, partner, task_id)
    today = company_today(g.session)
    try:
        if found.kind == "task":
            portal_actions.finish_own_task(g.session, partner, task_id=task_id,
                                           note=request.form.get("note", "").strip()[:10_000])
        else:
            form = _ending(found.kind)
            result = (parse_call_result(form, today=today, typed=_priced_lines()) if found.kind == "call"
                      else parse_visit_result(form, today=today))
            portal_actions.end_own_contact(g.session, partner, task_id=task_id, company=g.company, result=result)
    except InvalidInput as error:
        return _task(get_own_task(g.session, partner, task_id), request.form, error.fields), 422
    flash("Thank you, that is on record", "success")
    return redirect(url_for("portal.tasks"))


def _ending(kind: str) -> dict[str, str]:
    """The form, without an outcome that is not offered here; codes of offers are ours to redeem."""
    form = {name: value for name, value in request.form.items() if name != "code"}
    return form if form.get("outcome") in _ENDINGS[kind] else {**form, "outcome": ""}


@pages.post("/tasks/<int:task_id>/back")
@requires(OWN)
def give_back(task_id: int) -> Answer:
    partner = _partner()
    try:
        portal_actions.give_own_task_back(g.session, partner, task_id=task_id,
                                          reason=request.form.get("reason", "").strip()[:2_000])
    except InvalidInput as error:
        return _task(get_own_task(g.session, partner, task_id), request.form, error.fields), 422
    flash("Given back", "success")
    return redirect(url_for("portal.tasks"))


@pages.get("/orders")
@requires(OWN)
def orders() -> Answer:
    query = search_own_orders(_partner(), _text())
    page = fetch_page(g.session, query, order=BY_DAY, place=read_place(request.args, BY_DAY))
    return render_template("portal/orders.html", page=page, kept={"q": _text()} if _text() else {},
                           count=count_text(g.session, query, "order", "orders"))


@exports(pages, "/orders/export", permission=OWN)
def export_orders() -> Table:
    return Table("orders", columns=ORDER_COLUMNS, rows=export_own_orders(g.session, _partner(), _text()))


@pages.get("/orders/<int:order_id>")
@requires(OWN)
def order(order_id: int) -> Answer:
    found, its_account, entry = get_own_order(g.session, _partner(), order_id)
    return render_template("portal/order.html", order=found, account=its_account, entry=entry,
                           lines=list_lines(g.session, order_id))


@exports(pages, "/orders/<int:order_id>/lines", permission=OWN)
def export_lines(order_id: int) -> Table:
    found, _account, _entry = get_own_order(g.session, _partner(), order_id)
    rows = ((found.external_id, line.line_key, product.sku, product.name, line.quantity, line.unit_price_amount,
             line.discount, line.amount) for line, product in list_lines(g.session, order_id))
    return Table("order", columns=("order_id", "line", "sku", "product", "quantity", "unit_price", "discount",
                                   "amount"), rows=rows)


@pages.get("/accounts/<int:account_id>/order")
@requires(OWN)
def new_order(account_id: int) -> Answer:
    return _order_form(account_id, {"ordered_on": company_today(g.session)}, {})


@pages.post("/accounts/<int:account_id>/orders")
@requires(OWN)
def bring_order(account_id: int) -> Answer:
    partner = _partner()
    get_own_account(g.session, partner, account_id)
    fields, typed = Fields(request.form), _priced_lines()
    read = read_lines(typed)
    day, number = fields.day("ordered_on", missing="Say on which day."), fields.text("number", longest=200)
    amount = None if typed else fields.amount("amount", missing="Say what it is worth, or add its lines.")
    if read.errors:
        fields.errors["lines"] = " ".join(f"Line {place}: {words}" for place, words in read.errors.items())
    try:
        fields.finish()
        assert day is not None
        with g.session.begin_nested():
            made = portal_actions.bring_order(g.session, partner, account_id=account_id, ordered_on=day, number=number,
                                              lines=read.lines, amount=amount)
    except InvalidInput as error:
        shown = {**error.fields, "number": error.fields.get("external_id", "")}
        return _order_form(account_id, request.form, {name: words for name, words in shown.items() if words}), 422
    flash(f"Order {made.external_id} is in: {made.amount:,.2f} {made.currency}", "success")
    return redirect(url_for("portal.account", account_id=account_id))


def _typed_lines() -> list[TypedLine]:
    return typed_lines({name: request.form.getlist(f"line_{name}") for name in FIELDS})


def _priced_lines() -> list[TypedLine]:
    """The lines that were typed, at the list price where none was."""
    typed = _typed_lines()
    prices = list_prices(g.session, [line.sku for line in typed], currency=g.company.currency)
    return [TypedLine(line.sku, line.quantity, line.price or prices.get(line.sku, ""), line.discount)
            for line in typed]


def _order_form(account_id: int, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    found, _given = get_own_account(g.session, _partner(), account_id)
    lines = _typed_lines()
    return render_template("portal/order_form.html", account=found, typed=typed, errors=errors,
                           lines=[*lines, *[TypedLine()] * _BLANK_LINES], products=search_sold_products(g.session, ""))


@pages.get("/products")
@requires(OWN)
def products() -> Answer:
    """Options for the product that is typed."""
    _partner()
    wanted = request.args.get("line_sku", "").strip()[:100]
    return render_template("portal/_products.html", products=search_sold_products(g.session, wanted))


@pages.get("/line")
@requires(OWN)
def order_line() -> Answer:
    _partner()
    return render_template("portal/_line.html", line=TypedLine())

