"""Partners, their share and their people, for colleagues."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.partners import actions, columns
from abm.partners.forms import KINDS, parse_partner, read_names
from abm.partners.models import Partner, PartnerTask
from abm.partners.queries import (
    ACCOUNT_COLUMNS,
    ORDER_COLUMNS,
    TASK_COLUMNS,
    export_accounts,
    export_orders,
    export_tasks,
    get_partner,
    list_partner_tasks,
    list_partner_users,
    list_tasks_to_give,
    measure_shares,
    select_brought_orders,
    select_partner_accounts,
)
from abm.targets.models import ListMember, TargetList
from abm.users.actions import issue_link_token
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from abm.work.actions import create_task
from abm.work.forms import KINDS as TASK_KINDS
from abm.work.forms import parse_task
from core.errors import InvalidInput
from core.settings import settings

pages = Blueprint("partners", __name__)
columns.add_to_account_pages()
Answer = str | Response | tuple[str, int]
_BY_NAME = Order(Account.name_key, Account.id, is_nullable=False)
_LATEST = 10
SHARE_COLUMNS = ("partner", "kind", "region", "is_active", "users", "accounts", "open_tasks", "late_tasks",
                 "done_tasks_90d", "orders_12m", "amount_12m")


@pages.get("/partners")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("partners/index.html", shares=measure_shares(g.session, today=company_today(g.session)),
                           kinds=KINDS)


@exports(pages, "/partners/export")
def export() -> Table:
    rows = ((one.partner.name, one.partner.kind, one.partner.region, one.partner.is_active, one.users, one.accounts,
             one.open_tasks, one.late_tasks, one.done_tasks, one.orders, one.amount)
            for one in measure_shares(g.session, today=company_today(g.session)))
    return Table("partners", columns=SHARE_COLUMNS, rows=rows)


@pages.get("/partners/new")
@requires(Permission.MANAGE_PARTNERS)
def new() -> Answer:
    return _form({"sees_people": "yes"}, {})


@pages.post("/partners")
@requires(Permission.MANAGE_PARTNERS)
def create() -> Answer:
    try:
        partner = actions.create_partner(g.session, values=parse_partner(request.form))
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    flash(f"{partner.name} is a partner now. Give it accounts, then let its people in.", "success")
    return redirect(url_for("partners.show", partner_id=partner.id))


@pages.get("/partners/<int:partner_id>/edit")
@requires(Permission.MANAGE_PARTNERS)
def edit(partner_id: int) -> Answer:
    partner = get_partner(g.session, partner_id)
    names = ("name", "kind", "region", "note", "sees_people", "sees_all_orders")
    return _form({name: getattr(partner, name) for name in names}, {}, partner)


@pages.post("/partners/<int:partner_id>")
@requires(Permission.MANAGE_PARTNERS)
def save(partner_id: int) -> Answer:
    try:
        actions.edit_partner(g.session, partner_id=partner_id, values=parse_partner(request.form))
    except InvalidInput as error:
        return _form(request.form, error.fields, get_partner(g.session, partner_id)), 422
    flash("Saved", "success")
    return redirect(url_for("partners.show", partner_id=partner_id))


def _form(typed: Mapping[str, Any], errors: Mapping[str, str], partner: Partner | None = None) -> str:
    return render_template("partners/form.html", typed=typed, errors=errors, partner=partner, kinds=KINDS)


@pages.post("/partners/<int:partner_id>/active")
@requires(Permission.MANAGE_PARTNERS)
def change_active(partner_id: int) -> Answer:
    partner = get_partner(g.session, partner_id)
    actions.set_partner_active(g.session, partner_id=partner_id, is_active=not partner.is_active)
    flash(f"{partner.name} {'works with us again' if partner.is_active else 'sees nothing from now on'}", "success")
    return redirect(url_for("partners.show", partner_id=partner_id))


@pages.get("/partners/<int:partner_id>")
@requires(Permission.SEE)
def show(partner_id: int) -> Answer:
    return _page(partner_id, {}, {})


def _page(partner_id: int, typed: Mapping[str, Any], errors: Mapping[str, str], link: str = "") -> str:
    today = company_today(g.session)
    partner = get_partner(g.session, partner_id)
    query = select_partner_accounts(partner_id, today=today)
    lists = g.session.execute(select(TargetList.id, TargetList.title).order_by(TargetList.title).limit(200)).all()
    return render_template(
        "partners/show.html", partner=partner, share=measure_shares(g.session, today=today, partner_id=partner_id)[0],
        page=fetch_page(g.session, query, order=_BY_NAME, place=read_place(request.args, _BY_NAME)), kinds=KINDS,
        count=count_text(g.session, query, "account", "accounts"), tasks=list_partner_tasks(g.session, partner_id),
        to_give=list_tasks_to_give(g.session, partner_id), users=list_partner_users(g.session, partner_id),
        orders=g.session.execute(select_brought_orders(partner_id).limit(_LATEST)).all(), today=today,
        typed=typed, errors=errors, link=link, lists=[(row.id, row.title) for row in lists], task_kinds=TASK_KINDS)


@exports(pages, "/partners/<int:partner_id>/accounts")
def export_own_accounts(partner_id: int) -> Table:
    get_partner(g.session, partner_id)
    return Table("partner-accounts", columns=ACCOUNT_COLUMNS,
                 rows=export_accounts(g.session, partner_id, today=company_today(g.session)))


@exports(pages, "/partners/<int:partner_id>/tasks")
def export_own_tasks(partner_id: int) -> Table:
    get_partner(g.session, partner_id)
    return Table("partner-tasks", columns=TASK_COLUMNS, rows=export_tasks(g.session, partner_id))


@exports(pages, "/partners/<int:partner_id>/orders")
def export_own_orders(partner_id: int) -> Table:
    get_partner(g.session, partner_id)
    return Table("partner-orders", columns=ORDER_COLUMNS, rows=export_orders(g.session, partner_id))


@pages.post("/partners/<int:partner_id>/accounts")
@requires(Permission.MANAGE_PARTNERS)
def assign(partner_id: int) -> Answer:
    """By names and ids, or all members of a list."""
    with_sites = bool(request.form.get("with_sites"))
    list_id, names = request.form.get("list_id", type=int), read_names(request.form.get("accounts", ""))
    if not list_id and not names:
        return _page(partner_id, request.form, {"accounts": "Name at least one account, or choose a list."}), 422
    unknown: list[str] = []
    ids = select(ListMember.account_id).where(ListMember.list_id == (list_id or 0))
    if names:
        found, unknown = actions.find_accounts(g.session, names)
        ids = select(Account.id).where(Account.id.in_(found))
    if unknown:
        words = f"No single account is called: {', '.join(unknown[:5])}. Nothing was assigned."
        return _page(partner_id, request.form, {"accounts": words}), 422
    done = actions.assign_accounts(g.session, partner_id=partner_id, chosen=ids, with_sites=with_sites)
    moved = f", {done.moved:,} of them from another partner" if done.moved else ""
    flash(f"{done.assigned:,} accounts assigned{moved}", "success" if done.assigned else "info")
    return redirect(url_for("partners.show", partner_id=partner_id))


@pages.post("/partners/<int:partner_id>/accounts/withdraw")
@requires(Permission.MANAGE_PARTNERS)
def withdraw(partner_id: int) -> Answer:
    ids = request.form.getlist("account_id", type=int)
    gone = actions.withdraw_accounts(g.session, partner_id=partner_id, account_ids=ids)
    flash(f"{gone:,} {'account' if gone == 1 else 'accounts'} withdrawn", "success")
    return redirect(url_for("partners.show", partner_id=partner_id))


@pages.post("/partners/<int:partner_id>/tasks/give")
@requires(Permission.MANAGE_PARTNERS)
def give(partner_id: int) -> Answer:
    ids = request.form.getlist("task_id", type=int)
    given = actions.give_tasks(g.session, partner_id=partner_id, task_ids=ids)
    flash(f"{given:,} {'task' if given == 1 else 'tasks'} given", "success")
    return redirect(url_for("partners.show", partner_id=partner_id))


@pages.post("/partners/<int:partner_id>/tasks")
@requires(Permission.MANAGE_PARTNERS)
def create_task_there(partner_id: int) -> Answer:
    """A new task of one of its accounts; it belongs to whoever makes it until the partner has done it."""
    try:
        form = {**request.form.to_dict(), "account_id": _named_account(), "owner_id": str(g.user.id)}
        with g.session.begin_nested():
            task = create_task(g.session, values=parse_task(form))
            actions.give_tasks(g.session, partner_id=partner_id, task_ids=[task.id])
    except InvalidInput as error:
        fields = {name: error.fields[name] for name in error.fields}
        return _page(partner_id, request.form, {**fields, "account": fields.get("account_id", "")}), 422
    flash("Task made and given", "success")
    return redirect(url_for("partners.show", partner_id=partner_id))


def _named_account() -> str:
    name = request.form.get("account", "").strip()
    found, _unknown = actions.find_accounts(g.session, [name]) if name else ([], [])
    if not found:
        raise InvalidInput("The task was not made", {"account_id": "Name one account by its name or its id."})
    return str(found[0])


@pages.post("/partners/tasks/<int:task_id>/take")
@requires(Permission.MANAGE_PARTNERS)
def take(task_id: int) -> Answer:
    held = g.session.get(PartnerTask, task_id)
    actions.take_task_back(g.session, task_id=task_id)
    flash("The task is ours again", "success")
    return redirect(url_for("partners.show", partner_id=held.partner_id) if held else url_for("partners.index"))


@pages.post("/partners/<int:partner_id>/users")
@requires(Permission.ADMINISTER)
def add_user(partner_id: int) -> Answer:
    form = request.form
    try:
        user = actions.add_partner_user(g.session, partner_id=partner_id, email=form.get("email", ""),
                                        name=form.get("user_name", ""))
    except InvalidInput as error:
        shown = {**error.fields, "user_name": error.fields.get("name", "")}
        return _page(partner_id, form, {name: words for name, words in shown.items() if words}), 422
    token = issue_link_token(g.session, user=user, minutes=24 * 60)
    return _page(partner_id, {}, {}, settings().base_url + url_for("users.set_password", token=token))


@pages.post("/partners/accounts/<int:account_id>")
@requires(Permission.MANAGE_PARTNERS)
def assign_one(account_id: int) -> Answer:
    """From the account's page: its partner, or none."""
    partner_id = request.form.get("partner_id", type=int)
    held = columns.partner_id_of(g.session, account_id)
    if partner_id:
        chosen = select(Account.id).where(Account.id == account_id)
        actions.assign_accounts(g.session, partner_id=partner_id, chosen=chosen)
    elif held:
        actions.withdraw_accounts(g.session, partner_id=held, account_ids=[account_id])
    flash("Saved", "success")
    return redirect(url_for("accounts.show", account_id=account_id))
