"""The account list, an account's page, and its form."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy import Select
from werkzeug.wrappers import Response

from abm.accounts import actions, fact_pages, view_pages
from abm.accounts.columns import list_columns, shown_columns
from abm.accounts.fact_pages import shown_facts
from abm.accounts.forms import TIERS, parse_account, typed_account
from abm.accounts.names import name_key
from abm.accounts.panels import read_headlines, render_panels, used_parts
from abm.accounts.queries import (
    EMPTY,
    arguments_of,
    find_namesakes,
    get_account,
    list_choices,
    list_order,
    read_listing,
    select_accounts,
)
from abm.accounts.timeline import (
    list_event_actors,
    list_timeline,
    list_timeline_kinds,
    read_timeline_filter,
    timeline_arguments,
)
from abm.accounts.views import list_views
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_rows, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("accounts", __name__)
fact_pages.add_to(pages)
view_pages.add_to(pages)
LINES = 30
COUNTED_AT_ONCE, COUNT_UP_TO = 300, 1_000_000
Answer = str | Response | tuple[str, int]


@pages.get("/accounts")
@requires(Permission.SEE)
def index() -> Answer:
    if "column" in request.args:
        chosen = ",".join(request.args.getlist("column"))
        kept: dict[str, Any] = {**arguments_of(read_listing(request.args)), "columns": chosen}
        return redirect(url_for("accounts.index", **kept))
    listing = read_listing(request.args)
    counted = count_rows(g.session, select_accounts(listing), up_to=COUNTED_AT_ONCE)
    query, order = select_accounts(listing, are_many=counted > COUNTED_AT_ONCE), list_order(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template(
        "accounts/index.html", page=page, listing=listing, columns=list_columns(),
        choices=list_choices(g.session, listing),
        shown=shown_columns(listing.columns),
        places={name: place for place, name in enumerate(list_columns(), start=1)},
        views=list_views(g.session, user_id=g.user.id, page="accounts"),
        counted=counted, most=COUNTED_AT_ONCE, kept=arguments_of(listing), without_value=EMPTY)


@pages.get("/accounts/count")
@requires(Permission.SEE)
def count() -> Answer:
    """How many accounts fit, where the list itself has only said that they are many."""
    return count_text(g.session, select_accounts(read_listing(request.args)), "account", "accounts", up_to=COUNT_UP_TO)


@exports(pages, "/accounts/export")
def export() -> Table:
    listing = read_listing(request.args)
    columns = list_columns()
    names = ["account_id", *columns]
    return Table("accounts", columns=names, rows=_exported(select_accounts(listing)))


def _exported(query: Select[*tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    for account, _key, *values in g.session.execute(query.order_by(None), execution_options={"yield_per": 5_000}):
        yield [account.external_id, account.name, *values]


@pages.get("/accounts/new")
@requires(Permission.EDIT_ACCOUNTS)
def new() -> Answer:
    return _form({}, {})


@pages.post("/accounts")
@requires(Permission.EDIT_ACCOUNTS)
def create() -> Answer:
    try:
        values = parse_account(g.session, request.form)
        namesakes = find_namesakes(g.session, name_key=name_key(values["name"]), domain=values["domain"])
        if namesakes and not request.form.get("is_another"):
            return _form(request.form, {}, namesakes=namesakes), 422
        account = actions.create_account(g.session, values=values)
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    flash(f"{account.name} is here now", "success")
    return redirect(url_for("accounts.show", account_id=account.id))


@pages.get("/accounts/<int:account_id>")
@pages.get("/accounts/<int:account_id>/<any(people, orders, scores, dossier, outreach, timeline):part>")
@requires(Permission.SEE)
def show(account_id: int, part: str = "overview") -> Answer:
    account = get_account(g.session, account_id)
    parent = get_account(g.session, account.parent_id) if account.parent_id else None
    own = _timeline(account_id) if part == "timeline" else {}
    if part == "overview":
        own["facts"] = shown_facts(account, parent)
    return render_template(
        "accounts/show.html", account=account, parent=parent, part=part, parts=used_parts(),
        headlines=read_headlines(g.session, account), panels=render_panels(g.session, account, part),
        **own)


@pages.get("/accounts/<int:account_id>/timeline/lines")
@requires(Permission.SEE)
def timeline(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    return render_template("accounts/_timeline.html", account=account, **_timeline(account_id))


def _timeline(account_id: int) -> dict[str, Any]:
    chosen = read_timeline_filter(request.args)
    found = list_timeline(g.session, account_id, chosen, limit=LINES + 1)
    lines = found[:LINES]
    return {"lines": lines, "chosen": chosen, "kinds": list_timeline_kinds(g.session, account_id),
            "actors": list_event_actors(g.session, account_id), "kept": timeline_arguments(chosen),
            "older": lines[-1].place if len(found) > LINES else None}


@pages.post("/accounts/<int:account_id>/notes")
@requires(Permission.EDIT_ACCOUNTS)
def add_note(account_id: int) -> Answer:
    get_account(g.session, account_id)
    text = request.form.get("text", "").replace("\x00", "").strip()
    if text:
        actions.add_account_event(g.session, account_id=account_id, kind="note", title=text.splitlines()[0],
                                  text=text[:5000])
    return redirect(url_for("accounts.show", account_id=account_id, part="timeline"))


@pages.get("/accounts/<int:account_id>/edit")
@requires(Permission.EDIT_ACCOUNTS)
def edit(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    return _form(typed_account(g.session, account), {}, account=account)


@pages.post("/accounts/<int:account_id>")
@requires(Permission.EDIT_ACCOUNTS)
def update(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    try:
        values = parse_account(g.session, request.form, account_id=account_id)
        actions.update_account(g.session, account_id=account_id, values=values)
    except InvalidInput as error:
        return _form(request.form, error.fields, account=account), 422
    flash("Saved", "success")
    return redirect(url_for("accounts.show", account_id=account_id))


def _form(typed: Any, errors: Any, **more: Any) -> str:
    owners = [(user.id, user.name) for user in list_active_users(g.session)]
    return render_template("accounts/form.html", typed=typed, errors=errors, owners=owners, tiers=TIERS, **more)
