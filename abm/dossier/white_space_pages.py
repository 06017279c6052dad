"""White space on the account page, read when it is looked at; each cell opens into its numbers."""

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response

from abm.accounts.queries import get_account
from abm.dossier.panels import known_until
from abm.dossier.peers import Grid, list_bought, list_offered, read_grid
from abm.dossier.white_space import GAP_FROM
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import NotFound

Answer = str | Response


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/accounts/<int:account_id>/white-space", view_func=white_space)
    pages.add_url_rule("/accounts/<int:account_id>/white-space/cell", view_func=white_space_cell)
    exports(pages, "/accounts/<int:account_id>/white-space/export")(export_white_space)


def _grid(account_id: int) -> Grid:
    return read_grid(g.session, get_account(g.session, account_id), today=known_until(g.session))


@requires(Permission.SEE)
def white_space(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    template = "_white_space.html" if request.headers.get("HX-Request") else "white_space.html"
    return render_template(f"dossier/{template}", account=account, grid=_grid(account_id), gap_from=GAP_FROM)


@requires(Permission.SEE)
def white_space_cell(account_id: int) -> Answer:
    """The arithmetic of a cell: what the site bought of the category, and what its peers do."""
    grid, category = _grid(account_id), request.args.get("category", "")
    site_id = request.args.get("site", account_id, type=int)
    row = next((row for row in grid.rows if row.category == category), None)
    names = dict(grid.sites)
    if row is None or site_id not in names:
        raise NotFound("There is no such cell")
    return render_template(
        "dossier/white_space_cell.html", account=get_account(g.session, account_id), grid=grid, row=row,
        site_id=site_id, site=names[site_id], bought=list_bought(g.session, site_id, category, since=grid.since),
        offered=list_offered(g.session, category), gap_from=GAP_FROM)


def export_white_space(account_id: int) -> Table:
    grid = _grid(account_id)
    columns = ("category", *(name for _id, name in grid.sites), "peers", "buying_peers", "share", "mean", "median")
    rows = [(row.category, *(row.by_site.get(site_id, 0.0) for site_id, _name in grid.sites), row.peers,
             row.buying_peers, row.share, row.mean, row.median) for row in grid.rows]
    return Table("white-space", columns=columns, rows=rows)
