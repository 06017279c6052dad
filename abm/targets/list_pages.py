"""Lists: overview, members, why an account is in, exports, suggestions."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.targets import queries
from abm.targets.actions import delete_list, refresh_list
from abm.targets.blueprint import Answer, pages
from abm.targets.explain import say_value
from abm.targets.previews import suggest_values
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission

PAGE_SIZE = 50


@pages.get("/lists")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("targets/index.html", lists=queries.list_lists(g.session))


@pages.get("/lists/<name>")
@requires(Permission.SEE)
def show(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    search = request.args.get("q", "")[:100]
    after = _after(request.args.get("after", ""))
    members = queries.list_members(g.session, list_id=row.id, search=search, after=after, limit=PAGE_SIZE + 1)
    shown, last = members[:PAGE_SIZE], members[PAGE_SIZE - 1] if len(members) > PAGE_SIZE else None
    return render_template("targets/show.html", row=row, members=shown, search=search, is_first=after is None,
                           sentence=queries.say_stored(row), after=f"{last.id}~{last.name_key}" if last else "",
                           campaigns=queries.list_users_of(g.session, name))


def _after(text: str) -> tuple[str, int] | None:
    number, mark, name_key = text.partition("~")
    return (name_key, int(number)) if mark and number.isdecimal() and len(number) < 19 else None


@pages.get("/lists/<name>/why/<account_id>")
@requires(Permission.SEE)
def why(name: str, account_id: str) -> Answer:
    row = queries.get_list(g.session, name)
    account = queries.get_account_by_external_id(g.session, account_id)
    found = queries.explain_member(g.session, row=row, account_id=account.id)
    return render_template("targets/why.html", row=row, account=account, found=found, say_value=say_value)


@exports(pages, "/lists/<name>/members")
def export(name: str) -> Table:
    row = queries.get_list(g.session, name)
    rows = queries.iterate_members(g.session, list_id=row.id, search=request.args.get("q", "")[:100])
    return Table(name, columns=queries.MEMBER_COLUMNS, rows=rows)


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
