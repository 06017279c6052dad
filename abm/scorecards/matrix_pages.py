"""The matrix page and the accounts behind its cells."""


from flask import Blueprint, abort, g, render_template, request
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.scorecards.definition import FAMILIES
from abm.scorecards.matrix import (
    LEVEL_WORDS,
    LEVELS,
    PLACING,
    TREATMENT,
    Axes,
    find_axes,
    get_matrix,
    score_of,
    select_placed,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission

MANY = 1_000
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
    found = get_matrix(g.session, axes)
    return render_template("scorecards/matrix.html", axes=axes, cells=found.cells, placed=found.placed, levels=LEVELS,
                           words=LEVEL_WORDS, treatment=TREATMENT, dots=found.dots,
                           finding=_finding(found.cells.get(("high", "high")), found.placed))


def _finding(best: object, placed: int) -> str:
    count = getattr(best, "accounts", 0)
    if not placed:
        return "No account has enough known on both axes yet"
    verb = "stands" if count == 1 else "stand"
    return f"{count:,} of {placed:,} accounts {verb} high on both: attractive and close to us"


def _chosen() -> dict[str, str]:
    """The levels that the address names, by family."""
    return {family: request.args[family] for family in FAMILIES if request.args.get(family) in LEVELS}


def _count(axes: Axes, kept: dict[str, str]) -> int:
    """How many stand there, out of the matrix as it was counted; potential apart."""
    return sum(cell.accounts for levels, cell in get_matrix(g.session, axes).cells.items()
               if all(kept.get(family, level) == level for family, level in zip(PLACING, levels, strict=True)))


def export_matrix() -> Table:
    axes = find_axes(g.session)
    if axes.missing:
        abort(404)
    query = select_placed(axes, _chosen())
    rows = ((row[0].external_id, row[0].name, *row[1:])
            for row in g.session.execute(query.order_by(Account.id), execution_options={"yield_per": 5_000}))
    return Table("matrix", columns=("account_id", "name", *FAMILIES), rows=rows)


@requires(Permission.SEE)
def matrix_accounts() -> Answer:
    axes = find_axes(g.session)
    if axes.missing:
        return render_template("scorecards/matrix_empty.html", missing=axes.missing)
    kept = _chosen()
    found = _count(axes, kept)
    query = select_placed(axes, kept, are_many=found > MANY)
    order = Order(score_of("potential"), Account.id, is_descending=True)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template(
        "scorecards/matrix_accounts.html", page=page, kept=kept, axes=axes, words=LEVEL_WORDS,
        count=count_text(g.session, query, "account", "accounts") if "potential" in kept else
        f"{found:,} {'account' if found == 1 else 'accounts'}",
        treatment=TREATMENT.get((kept.get("attractiveness", ""), kept.get("relationship", ""))))
