"""The page of sources: where accounts and people came from, and what each source brought in."""

from flask import Blueprint, g, render_template

from abm.analysis.queries import latest_run
from abm.dossier.sources import get_sources, list_account_sources, list_people_sources
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/sources", view_func=sources)
    exports(pages, "/sources/export")(export_sources)
    exports(pages, "/sources/people/export")(export_people_sources)


@requires(Permission.SEE)
def sources() -> str:
    return render_template("dossier/sources.html", run=latest_run(g.session), found=get_sources(g.session))


def export_sources() -> Table:
    rows = list_account_sources(g.session, latest_run(g.session))
    return Table("sources", columns=("source", "accounts", "buyers", "orders", "value", "value_per_account", "lapsed"),
                 rows=[(row.name, row.accounts, row.buyers, row.orders, row.value, row.per_account, row.lapsed)
                       for row in rows])


def export_people_sources() -> Table:
    return Table("sources-of-people", columns=("source", "people", "still_there", "with_basis"),
                 rows=[(row.name, row.people, row.still_there, row.with_basis)
                       for row in list_people_sources(g.session)])
