"""Lists: overview, members, why an account is in, exports, suggestions."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.accounts.columns import list_columns, shown_columns
from abm.accounts.queries import EMPTY, arguments_of
from abm.targets import queries
from abm.targets.actions import delete_list, refresh_list
from abm.targets.agreement_pages import head_of
from abm.targets.agreement_queries import find_active_veto
from abm.targets.blueprint import Answer, pages
from abm.targets.explain import say_cut, say_value
from abm.targets.history import find_stays
from abm.targets.members import (
    EXPORTED,
    iterate_exported,
    member_choices,
    members_order,
    read_members_listing,
    select_members,
)
from abm.targets.previews import COUNTING_SECONDS, suggest_values
from abm.targets.sources import make_vocabulary
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.time_limits import time_limit


@pages.get("/lists")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("targets/index.html", lists=queries.list_lists(g.session))


@pages.get("/lists/<name>")
@requires(Permission.SEE)
def show(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    listing = read_members_listing(request.args)
    query, order = select_members(row, listing), members_order(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    is_whole = not listing.text and not listing.filters
    count = f"{row.member_count:,} accounts" if is_whole else count_text(g.session, query, "account", "accounts")
    return render_template(
        "targets/show.html", page=page, listing=listing, columns=list_columns(), shown=shown_columns([]),
        places={one: place for place, one in enumerate(list_columns(), start=1)}, choices=member_choices(), count=count,
        kept=arguments_of(listing), without_value=EMPTY, **head_of(row))


@pages.get("/lists/<name>/why/<account_id>")
@requires(Permission.SEE)
def why(name: str, account_id: str) -> Answer:
    row = queries.get_list(g.session, name)
    account = queries.get_account_by_external_id(g.session, account_id)
    with time_limit(g.session, COUNTING_SECONDS):
        found = queries.explain_member(g.session, row=row, account_id=account.id)
    return render_template(
        "targets/why.html", row=row, account=account, found=found, say_value=say_value,
        veto=find_active_veto(g.session, list_id=row.id, account_id=account.id),
        cut=say_cut(found.cut, make_vocabulary()) if found.cut else "",
        stays=find_stays(g.session, list_id=row.id, account_id=account.id))


@pages.get("/lists/<name>/ask")
@requires(Permission.SEE)
def ask(name: str) -> Answer:
    """Accounts to choose from, each leading to why it is in the list or not."""
    found = queries.suggest_accounts(g.session, request.args.get("search", "")[:100])
    return render_template("targets/_asked.html", row=queries.get_list(g.session, name), found=found)


@exports(pages, "/lists/<name>/members")
def export(name: str) -> Table:
    row = queries.get_list(g.session, name)
    rows = iterate_exported(g.session, row, read_members_listing(request.args))
    return Table(name, columns=EXPORTED, rows=rows)


@exports(pages, "/lists/-/export")
def export_lists() -> Table:
    rows = ((one.name, one.title, one.kind, one.member_count, one.sentence, one.refreshed_at)
            for one in queries.list_lists(g.session))
    return Table("lists", columns=("list", "title", "kind", "members", "who", "refreshed_at"), rows=rows)


@pages.post("/lists/<name>/refresh")
@requires(Permission.EDIT_LISTS)
def refresh(name: str) -> Answer:
    row = refresh_list(g.session, name=name)
    flash(f"{row.member_count:,} accounts are in the list now", "success")
    return redirect(url_for("targets.show", name=name))


@pages.post("/lists/<name>/delete")
@requires(Permission.EDIT_LISTS)
def delete(name: str) -> Answer:
    delete_list(g.session, name=name)
    flash("The list is gone; its accounts are untouched", "success")
    return redirect(url_for("targets.index"))


@pages.get("/lists/-/accounts")
@requires(Permission.SEE)
def suggest_accounts() -> Answer:
    """Rows to pick from while an account is being searched for."""
    found = queries.suggest_accounts(g.session, request.args.get("search", "")[:100])
    return render_template("targets/_accounts.html", found=found, name=request.args.get("list", ""))


@pages.get("/lists/-/values")
@requires(Permission.SEE)
def suggest() -> Answer:
    """Options of a value's suggestions, from the data."""
    typed = request.args.get("typed", "")[:100]
    values = suggest_values(g.session, field_name=request.args.get("field", ""), typed=typed)
    return render_template("targets/_values.html", values=values)
