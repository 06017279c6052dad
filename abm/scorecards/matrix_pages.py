"""The matrix page and the accounts behind its cells."""

from typing import Any

from flask import Blueprint, abort, g, render_template, request
from sqlalchemy import Select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.scorecards.definition import FAMILIES
from abm.scorecards.matrix import (
    LEVEL_WORDS,
    LEVELS,
    TREATMENT,
    Axes,
    count_cells,
    find_axes,
    level,
    list_dots,
    score_of,
    select_placed,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission

Answer = str | Response | tuple[str, int]


def add_to(pages: Blueprint) -> None:
    """Serve the matrix under /scorecards/matrix."""
    pages.add_url_rule("/scorecards/matrix", view_func=matrix)
    pages.add_url_rule("/scorecards/matrix/accounts", view_func=matrix_accounts)
    exports(pages, "/scorecards/matrix/accounts/export")(export_matrix)


@requires(Permission.SEE)
def matrix() -> Answer:
    axes = find_axes(g.session)
    if axes.missing:
        return render_template("scorecards/matrix_empty.html", missing=axes.missing)
    cells = count_cells(g.session, axes)
    placed = sum(cell.accounts for cell in cells.values())
    return render_template("scorecards/matrix.html", axes=axes, cells=cells, placed=placed, levels=LEVELS,
                           words=LEVEL_WORDS, treatment=TREATMENT, dots=list_dots(g.session, axes),
                           finding=_finding(cells.get(("high", "high")), placed))


def _finding(best: object, placed: int) -> str:
    count = getattr(best, "accounts", 0)
    if not placed:
        return "No account has enough known on both axes yet"
    verb = "stands" if count == 1 else "stand"
    return f"{count:,} of {placed:,} accounts {verb} high on both: attractive and close to us"


def _chosen(axes: Axes) -> tuple[Select[*tuple[Any, ...]], dict[str, str]]:
    """The placed accounts of the levels that the address names; unsorted."""
    query = select_placed(axes)
    kept = {family: request.args[family] for family in FAMILIES if request.args.get(family) in LEVELS}
    for family, wanted in kept.items():
        query = query.where(level(score_of(family)) == wanted)
    return query, kept


def export_matrix() -> Table:
    axes = find_axes(g.session)
    if axes.missing:
        abort(404)
    query, _kept = _chosen(axes)
    rows = ((row[0].external_id, row[0].name, *row[1:])
            for row in g.session.execute(query.order_by(Account.id), execution_options={"yield_per": 5_000}))
    return Table("matrix", columns=("account_id", "name", *FAMILIES), rows=rows)


@requires(Permission.SEE)
def matrix_accounts() -> Answer:
    axes = find_axes(g.session)
    if axes.missing:
        return render_template("scorecards/matrix_empty.html", missing=axes.missing)
    query, kept = _chosen(axes)
    order = Order(score_of("potential"), Account.id, is_descending=True)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template(
        "scorecards/matrix_accounts.html", page=page, kept=kept, axes=axes, words=LEVEL_WORDS,
        count=count_text(g.session, query, "account", "accounts"),
        treatment=TREATMENT.get((kept.get("attractiveness", ""), kept.get("relationship", ""))))
