"""Key accounts in the browser: who qualifies and why; reviews that ask again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.queries import get_account
from abm.plans import panels, review_pages
from abm.plans.actions import answer_question, start_qualifying
from abm.plans.gates import (
    ANSWERS,
    CHASE,
    CHASES,
    GATES,
    KIND_RULES,
    KINDS,
    QUESTIONS,
    RULES,
    STATES,
    signs_of,
)
from abm.plans.models import Qualification
from abm.plans.queries import (
    FILTERS,
    count_states,
    failed_of,
    find_qualification,
    list_answers,
    read_listing,
    select_qualified,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("plans", __name__)
Answer = str | Response | tuple[str, int]
EXPORT_COLUMNS = ("state", "gates_passed", *QUESTIONS, "chase", "kind", "kind_proposed", "orders", "abc", "share",
                  "people", "roles", "deciders", "sites")
review_pages.add_to(pages)
panels.add_to_account_pages()


@pages.get("/qualification")
@requires(Permission.SEE)
def index() -> Answer:
    listing = read_listing(request.args)
    query = select_qualified(listing)
    order = Order(Qualification.share, Qualification.account_id, is_descending=True)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template("plans/index.html", page=page, listing=listing, filters=FILTERS, states=STATES, gates=GATES,
                           standings=count_states(g.session), kinds=KINDS, chases=CHASES, failed=failed_of,
                           count=count_text(g.session, query, "account", "accounts"))


@exports(pages, "/qualification/export")
def export() -> Table:
    query = select_qualified(read_listing(request.args)).order_by(Qualification.account_id)
    return Table("key-accounts", columns=("account_id", "name", *EXPORT_COLUMNS), rows=_exported(query))


def _exported(query: Any) -> Iterator[Sequence[Any]]:
    for row, account in g.session.execute(query, execution_options={"yield_per": 5_000}):
        yield (account.external_id, account.name, *(getattr(row, name) for name in EXPORT_COLUMNS))


@pages.post("/qualification/compute")
@requires(Permission.ANALYSE)
def compute() -> Answer:
    count = start_qualifying(g.session)
    if count is None:
        flash("Gates, kinds and questions are being computed from the data of now; this takes a moment", "info")
    else:
        flash(f"Gates, kinds and questions of {count:,} accounts computed from the data of now", "success")
    return redirect(url_for("plans.index"))


@pages.get("/qualification/<int:account_id>")
@requires(Permission.SEE)
def show(account_id: int) -> Answer:
    return _page(get_account(g.session, account_id), {}, {})


def _page(account: Account, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    found = find_qualification(g.session, account.id)
    return render_template(
        "plans/show.html", account=account, found=found, said=list_answers(g.session, account.id), typed=typed,
        errors=errors, gates=GATES, chase=CHASE, kinds=KINDS, kind_rules=KIND_RULES, rules=RULES, answers=ANSWERS,
        states=STATES, chases=CHASES, failed=failed_of(found) if found else [],
        signs={name: signs_of(name, found) for name in QUESTIONS} if found else {})


@pages.post("/qualification/<int:account_id>")
@requires(Permission.EDIT_ACCOUNTS)
def save(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    errors: dict[str, str] = {}
    for name in (*QUESTIONS, "kind"):
        if name not in request.form:
            continue
        try:
            answer_question(g.session, account_id=account_id, question=name, answer=request.form[name].strip(),
                            evidence=request.form.get(f"{name}_evidence", "").replace("\x00", ""))
        except InvalidInput as error:
            errors |= error.fields
    if errors:
        return _page(account, request.form, errors), 422
    flash("Kept, with your name and the day", "success")
    return redirect(url_for("plans.show", account_id=account_id))
