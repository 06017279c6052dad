"""Duplicates: proposed pairs, two records side by side, merging, saying that they differ, undoing."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.aliases import KINDS, add_alias, list_aliases, remove_alias
from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.accounts.queries import get_account
from abm.contacts.queries import get_contact
from abm.identity import actions
from abm.identity.forms import compare, parse_merge, parse_other
from abm.identity.jobs import start_search
from abm.identity.merging import merge_accounts, merge_contacts
from abm.identity.models import DuplicatePair
from abm.identity.previews import count_rows
from abm.identity.queries import (
    EXPORT_COLUMNS,
    MERGE_COLUMNS,
    count_open,
    export_merges,
    export_pairs,
    find_kept_account,
    find_kept_contact,
    get_pair,
    last_search,
    merge_order,
    name_of,
    pair_order,
    read_listing,
    select_merges,
    select_pairs,
)
from abm.identity.unmerging import unmerge
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.forwarding import forward
from abm.web.keyset import count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput, NotFound, Refused

pages = Blueprint("identity", __name__)
Answer = str | Response | tuple[str, int]


@pages.get("/accounts/duplicates")
@requires(Permission.SEE)
def index() -> Answer:
    listing, order = read_listing(request.args), pair_order()
    query = select_pairs(listing)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template(
        "identity/index.html", page=page, listing=listing, kept=listing.arguments, waiting=_waiting(), name=name_of,
        count=count_text(g.session, query, "pair", "pairs"), looked_at=last_search(g.session))


def _waiting() -> dict[str, int]:
    """How many pairs are to be decided, for the tabs."""
    return {subject: count_open(g.session, subject) for subject in ("account", "contact")}


@exports(pages, "/accounts/duplicates/export")
def export() -> Table:
    listing = read_listing(request.args)
    return Table(f"duplicates-{listing.subject}s", columns=EXPORT_COLUMNS, rows=export_pairs(g.session, listing))


@pages.post("/accounts/duplicates/search")
@requires(Permission.EDIT_ACCOUNTS)
def search() -> Answer:
    found = start_search(g.session)
    flash(f"{found.accounts:,} pairs of accounts and {found.contacts:,} of people are proposed" if found else
          "Looking through the accounts in the background; the pairs appear here", "success")
    return redirect(url_for("identity.index"))


@pages.get("/accounts/duplicates/<int:pair_id>")
@requires(Permission.SEE)
def show(pair_id: int) -> Answer:
    return _pair_page(get_pair(g.session, pair_id), {}, {})


def _pair_page(pair: DuplicatePair, typed: Any, errors: Any) -> str:
    get = get_account if pair.subject == "account" else get_contact
    first: Any = get(g.session, pair.first_id)
    second: Any = get(g.session, pair.second_id)
    has = {one.id: count_rows(g.session, pair.subject, one.id) for one in (first, second)}
    proposed = max((first, second), key=lambda one: (sum(has[one.id].values()), -one.id))
    keep = typed.get("keep") or str(proposed.id)
    return render_template(
        "identity/show.html", pair=pair, first=first, second=second, has=has, keep=keep, errors=errors,
        typed=typed, name=name_of, lines=compare(g.session, pair.subject, first, second))


@pages.post("/accounts/duplicates/<int:pair_id>/merge")
@requires(Permission.MERGE)
def merge(pair_id: int) -> Answer:
    pair = get_pair(g.session, pair_id)
    subject = pair.subject
    try:
        keep, drop, choices = parse_merge(request.form, first_id=pair.first_id, second_id=pair.second_id)
        do = merge_accounts if subject == "account" else merge_contacts
        done = do(g.session, keep_id=keep, drop_id=drop, choices=choices)
    except InvalidInput as error:
        return _pair_page(pair, request.form, error.fields), 422
    flash(f"{done.dropped_name} is part of {done.kept_name} now; this can be undone", "success")
    return redirect(url_for("accounts.show", account_id=keep) if subject == "account" else
                    url_for("contacts.show", contact_id=keep))


@pages.post("/accounts/duplicates/<int:pair_id>/dismiss")
@requires(Permission.EDIT_ACCOUNTS)
def dismiss(pair_id: int) -> Answer:
    return _settled(actions.dismiss_pair(g.session, pair_id=pair_id), "Not the same: never proposed again")


@pages.post("/accounts/duplicates/<int:pair_id>/reopen")
@requires(Permission.EDIT_ACCOUNTS)
def reopen(pair_id: int) -> Answer:
    return _settled(actions.reopen_pair(g.session, pair_id=pair_id), "Proposed again")


def _settled(pair: DuplicatePair, said: str) -> Answer:
    if request.headers.get("HX-Request"):
        return render_template("identity/_settled.html", pair=pair, said=said)
    flash(said, "success")
    return redirect(url_for("identity.index", subject=pair.subject))


@pages.get("/accounts/duplicates/merges")
@requires(Permission.SEE)
def merges() -> Answer:
    order = merge_order()
    page = fetch_page(g.session, select_merges(), order=order, place=read_place(request.args, order))
    return render_template("identity/merges.html", page=page, waiting=_waiting(), count=count_text(
        g.session, select_merges(), "merge", "merges"))


@exports(pages, "/accounts/duplicates/merges/export")
def export_all_merges() -> Table:
    return Table("merges", columns=MERGE_COLUMNS, rows=export_merges(g.session))


@pages.post("/accounts/duplicates/merges/<int:merge_id>/undo")
@requires(Permission.MERGE)
def undo(merge_id: int) -> Answer:
    try:
        done = unmerge(g.session, merge_id=merge_id)
        flash(f"{done.kept_name} and {done.dropped_name} are two again", "success")
    except NotFound:
        raise
    except Refused as error:
        flash(str(error), "error")
    return redirect(url_for("identity.merges"))


@pages.post("/accounts/<int:account_id>/compare")
@requires(Permission.EDIT_ACCOUNTS)
def propose(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    try:
        other = parse_other(g.session, request.form, account)
    except InvalidInput as error:
        return _known_as(account, typed=request.form, errors=error.fields), 422
    pair = actions.propose_pair(g.session, subject="account", one=account.id, other=other.id)
    return redirect(url_for("identity.show", pair_id=pair.id))


@pages.get("/accounts/<int:account_id>/aliases")
@requires(Permission.SEE)
def aliases(account_id: int) -> Answer:
    return _known_as(get_account(g.session, account_id))


@pages.post("/accounts/<int:account_id>/aliases")
@requires(Permission.EDIT_ACCOUNTS)
def save_alias(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    try:
        add_alias(g.session, account_id=account_id, kind=request.form.get("kind", ""),
                  value=request.form.get("value", ""))
    except InvalidInput as error:
        return _known_as(account, typed=request.form, errors=error.fields), 422
    return _known_as(account)


@pages.post("/accounts/<int:account_id>/aliases/<int:alias_id>/remove")
@requires(Permission.EDIT_ACCOUNTS)
def forget_alias(account_id: int, alias_id: int) -> Answer:
    account = get_account(g.session, account_id)
    try:
        remove_alias(g.session, account_id=account_id, alias_id=alias_id)
    except InvalidInput as error:
        return _known_as(account, errors=error.fields), 422
    return _known_as(account)


def _known_as(account: Account, *, typed: Any = None, errors: Any = None) -> str:
    """The card alone for htmx, a page with it otherwise."""
    is_part = bool(request.headers.get("HX-Request"))
    return render_template(
        "identity/_aliases.html" if is_part else "identity/aliases.html", account=account, typed=typed or {},
        errors=errors or {}, kinds=KINDS.items(), words=KINDS, aliases=list_aliases(g.session, account.id))


def aliases_panel(_session: Any, account: Account) -> str:
    """Other names, domains and ids of the account."""
    return render_template("identity/_aliases.html", account=account, typed={}, errors={}, kinds=KINDS.items(),
                           words=KINDS, aliases=list_aliases(g.session, account.id))


register_panel("Known as", 80, aliases_panel)
forward("account_id", find_kept_account)
forward("contact_id", find_kept_contact)
