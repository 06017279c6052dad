"""My day and tasks in the browser."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import flash, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_name
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.menu import register_count
from abm.web.permissions import Permission
from abm.work import actions, desk_pages, panels, visit_pages
from abm.work.blueprint import pages
from abm.work.forms import KINDS, parse_task
from abm.work.models import Task
from abm.work.queries import (
    EXPORT_COLUMNS,
    PAGE,
    TaskFilter,
    count_due,
    count_tasks,
    export_tasks,
    get_day,
    get_task,
    list_tasks,
)
from core.errors import InvalidInput

__all__ = ["desk_pages", "pages", "panels", "visit_pages"]

Answer = str | Response | tuple[str, int]
register_count("Coordination", count_due)


@pages.get("/my-day")
@requires(Permission.SEE)
def my_day() -> Answer:
    today = company_today(g.session)
    return render_template("work/my_day.html", day=get_day(g.session, user_id=g.user.id, today=today), today=today)


def _filter() -> TaskFilter:
    args = request.args
    return TaskFilter(user_id=g.user.id, today=company_today(g.session), owner=args.get("owner", "mine"),
                      state=args.get("state", "open"), kind=args.get("kind", ""), due=args.get("due", ""),
                      text=args.get("q", "").strip(), offset=max(0, args.get("offset", 0, type=int)))


@exports(pages, "/tasks/export")
def export() -> Table:
    return Table("tasks", columns=EXPORT_COLUMNS, rows=export_tasks(g.session, _filter()))


@pages.get("/tasks")
@requires(Permission.SEE)
def index() -> Answer:
    chosen = _filter()
    return render_template(
        "work/index.html", tasks=list_tasks(g.session, chosen), total=count_tasks(g.session, chosen), chosen=chosen,
        page=PAGE, users=list_active_users(g.session), today=chosen.today,
        url=lambda **changes: url_for("work.index", **{**request.args.to_dict(), **changes}))


@pages.get("/tasks/new")
@requires(Permission.WORK)
def new() -> Answer:
    typed = {"due_on": company_today(g.session), "owner_id": g.user.id, "kind": "task", **request.args.to_dict()}
    return _form(typed, {})


@pages.post("/tasks")
@requires(Permission.WORK)
def create() -> Answer:
    try:
        task = actions.create_task(g.session, values=parse_task(_with_account(request.form)))
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    flash("Task made", "success")
    return redirect(_inside(request.form.get("next", "")) or url_for("work.show", task_id=task.id))


@pages.get("/tasks/<int:task_id>")
@requires(Permission.SEE)
def show(task_id: int) -> Answer:
    return _task_page(get_task(g.session, task_id), {})


@pages.get("/tasks/<int:task_id>/edit")
@requires(Permission.WORK)
def edit(task_id: int) -> Answer:
    task = get_task(g.session, task_id)
    typed = {name: getattr(task, name) for name in (
        "title", "kind", "note", "due_on", "owner_id", "account_id", "contact_id", "script")}
    return _form(typed, {}, task)


@pages.post("/tasks/<int:task_id>")
@requires(Permission.WORK)
def save(task_id: int) -> Answer:
    try:
        actions.edit_task(g.session, task_id=task_id, values=parse_task(_with_account(request.form)))
    except InvalidInput as error:
        return _form(request.form, error.fields, get_task(g.session, task_id)), 422
    flash("Saved", "success")
    return redirect(url_for("work.show", task_id=task_id))


@pages.post("/tasks/<int:task_id>/done")
@requires(Permission.WORK)
def finish(task_id: int) -> Answer:
    task = actions.finish_task(g.session, task_id=task_id, note=request.form.get("note", "").strip())
    return _changed(task, "Done")


@pages.post("/tasks/<int:task_id>/drop")
@requires(Permission.WORK)
def drop(task_id: int) -> Answer:
    try:
        task = actions.drop_task(g.session, task_id=task_id, reason=request.form.get("reason", "").strip())
    except InvalidInput as error:
        return _task_page(get_task(g.session, task_id), error.fields), 422
    return _changed(task, "Dropped")


@pages.post("/tasks/<int:task_id>/reopen")
@requires(Permission.WORK)
def reopen(task_id: int) -> Answer:
    return _changed(actions.reopen_task(g.session, task_id=task_id), "Open again")


@pages.post("/tasks/<int:task_id>/owner")
@requires(Permission.WORK)
def reassign(task_id: int) -> Answer:
    try:
        task = actions.reassign_task(g.session, task_id=task_id, owner_id=request.form.get("owner_id", type=int))
    except InvalidInput as error:
        return _task_page(get_task(g.session, task_id), error.fields), 422
    return _changed(task, f"{task.owner.name if task.owner else 'Nobody'} has it now")


def _changed(task: Task, said: str) -> Answer:
    """For htmx the task's row as it is now, else back to where the form stood."""
    if request.headers.get("HX-Request"):
        return render_template("work/_task.html", task=task, today=company_today(g.session))
    flash(said, "success")
    return redirect(_inside(request.form.get("next", "")) or url_for("work.show", task_id=task.id))


def _task_page(task: Task, errors: Mapping[str, str]) -> str:
    return render_template("work/show.html", task=task, errors=errors, typed=request.form,
                           users=list_active_users(g.session), today=company_today(g.session))


def _form(typed: Mapping[str, Any], errors: Mapping[str, str], task: Task | None = None) -> str:
    account_id = str(typed.get("account_id") or "")
    account = g.session.get(Account, int(account_id)) if account_id.isdecimal() else None
    people = g.session.scalars(select(Contact).where(Contact.account_id == account.id).order_by(
        Contact.last_name, Contact.id)).all() if account else []
    shown = {**typed, "account": typed.get("account", account.name if account else "")}
    return render_template("work/form.html", typed=shown, errors=errors, task=task, kinds=KINDS, people=people,
                           users=list_active_users(g.session))


def _with_account(form: Mapping[str, str]) -> dict[str, str]:
    """The form with the id of the account whose name (or id in the source system) was typed.

    Raises InvalidInput for a name that no account has, or more than one."""
    if "account" not in form:
        return dict(form)
    name = form["account"].strip()
    found = find_account_by_name(g.session, name) if name else None
    if name and found is None:
        raise InvalidInput("The task was not saved", {
            "account": f"There is no single account called {name}: type its full name or its id in your system."})
    return {**form, "account_id": str(found or "")}


def _inside(wanted: str) -> str:
    """Only a path of this product."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if is_ours else ""
