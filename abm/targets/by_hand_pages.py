"""Lists by hand: made of ids, of accounts searched for, or of a selection on another page."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.targets import queries
from abm.targets.actions import add_accounts, remove_accounts, save_list
from abm.targets.blueprint import Answer, pages
from abm.targets.files import ListDefinition
from abm.web.access import requires
from abm.web.permissions import Permission
from abm.web.slugs import slug
from core.errors import InvalidInput


@pages.get("/lists/-/by-hand")
@requires(Permission.EDIT_LISTS)
def new_by_hand() -> Answer:
    return render_template("targets/by_hand.html", typed={}, errors={})


@pages.post("/lists/-/by-hand")
@requires(Permission.EDIT_LISTS)
def create_by_hand() -> Answer:
    title = request.form.get("title", "").strip()
    try:
        row = _make_by_hand(title, tuple(request.form.get("accounts", "").split()))
    except InvalidInput as error:
        return render_template("targets/by_hand.html", typed=request.form, errors=error.fields), 422
    return redirect(url_for("targets.show", name=row))


def _make_by_hand(title: str, accounts: tuple[str, ...]) -> str:
    """A new list by hand; its name is made from the title. Raises InvalidInput."""
    if not title or len(title) > 200 or not slug(title):
        raise InvalidInput("Say what the list is called", {"title": "Give a title of at most 200 letters."})
    name = queries.free_name(g.session, slug(title))
    done = save_list(g.session, definition=ListDefinition(name, title, accounts=accounts))
    if done.unknown:
        flash(f"No account has the id {', '.join(done.unknown[:20])}", "error")
    return name


@pages.post("/lists/<name>/accounts")
@requires(Permission.EDIT_LISTS)
def add(name: str) -> Answer:
    wanted = request.form.getlist("account_id")
    known = queries.find_account_ids(g.session, wanted)
    added = add_accounts(g.session, name=name, account_ids=list(known.values()))
    unknown = [each for each in wanted if each not in known]
    if unknown:
        flash(f"No account has the id {', '.join(unknown[:20])}", "error")
    else:
        flash(f"{added:,} added" if added else "Already in the list", "success")
    return redirect(url_for("targets.show", name=name))


@pages.post("/lists/<name>/accounts/remove")
@requires(Permission.EDIT_LISTS)
def remove(name: str) -> Answer:
    known = queries.find_account_ids(g.session, request.form.getlist("account_id"))
    flash(f"{remove_accounts(g.session, name=name, account_ids=list(known.values())):,} taken out", "success")
    return redirect(url_for("targets.show", name=name))


@pages.post("/lists/-/selection")
@requires(Permission.EDIT_LISTS)
def add_selection() -> Answer:
    """Accounts ticked on another page (`account_id`: the source's ids) go into `list`, or into a new one by `title`."""
    wanted, name = request.form.getlist("account_id"), request.form.get("list", "")
    if not name:
        made = _make_by_hand(request.form.get("title", "").strip(), tuple(wanted))
        return redirect(url_for("targets.show", name=made))
    known = queries.find_account_ids(g.session, wanted)
    added = add_accounts(g.session, name=name, account_ids=list(known.values()))
    flash(f"{added:,} accounts added to the list", "success")
    return redirect(url_for("targets.show", name=name))
