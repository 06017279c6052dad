"""From lead to customer: the page by source or campaign, the accounts behind it, and what sources cost."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.dossier.actions import add_source_cost
from abm.dossier.queries import list_source_costs
from abm.outreach.blueprint import Answer, pages
from abm.outreach.lead_results import (
    BY,
    PROSPECT_COLUMNS,
    STAGES,
    Path,
    kept_paths,
    list_paths,
    read_prospect,
    select_prospects,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core import clock
from core.errors import InvalidInput

PERIODS = {"": "All time", "365": "The last year", "90": "The last 90 days"}
COLUMNS = ("name", "accounts", "people", "contacted", "answered", "engaged", "opportunities", "customers",
           "new_customers", "revenue", "touch_cost", "spent", "cost", "cost_per_customer", "cost_per_new_customer")
_BY_NAME = Order(Account.name_key, Account.id, is_nullable=False)


def _kept() -> dict[str, str]:
    by, days = request.args.get("by", ""), request.args.get("days", "")
    return {"by": by if by in BY else "source", "days": days if days in PERIODS else ""}


def _paths() -> tuple[list[Path], datetime | None]:
    """What was counted, and when it was if not just now."""
    kept = _kept()
    if not kept["days"]:
        return kept_paths(g.session, by=kept["by"])
    since = clock.now() - timedelta(days=int(kept["days"]))
    return list_paths(g.session, by=kept["by"], since=since), None


@pages.get("/leads")
@requires(Permission.SEE)
def leads() -> Answer:
    return _page({}, {})


def _page(typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    kept, (paths, made_at) = _kept(), _paths()
    best = min((one for one in paths if one.per_new_customer is not None and one.cost > 0),
               key=lambda one: one.per_new_customer or 0, default=None)
    return render_template("outreach/leads.html", paths=paths, kept=kept, periods=PERIODS, typed=typed, errors=errors,
                           best=best, made_at=made_at, costs=list_source_costs(g.session),
                           today=company_today(g.session))


@exports(pages, "/leads/export")
def export_leads() -> Table:
    return Table(f"leads-by-{_kept()['by']}", columns=COLUMNS, rows=map(row_of, _paths()[0]))


def row_of(one: Path) -> Sequence[Any]:
    """A path as COLUMNS."""
    return (one.name, one.accounts, one.people, one.contacted, one.answered, one.engaged, one.opportunities,
            one.customers, one.new_customers, one.revenue, one.touch_cost, one.spent, one.cost, one.per_customer,
            one.per_new_customer)


@pages.post("/leads/costs")
@requires(Permission.EDIT_CAMPAIGNS)
def add_cost() -> Answer:
    try:
        made = add_source_cost(g.session, form=request.form, today=company_today(g.session))
    except InvalidInput as error:
        return _page(request.form, error.fields), 422
    flash(f"{made.amount:,.2f} kept for {made.source}", "success")
    return redirect(url_for("outreach.leads"))


@pages.get("/leads/accounts")
@requires(Permission.SEE)
def prospects() -> Answer:
    kept = _prospects_kept()
    query = select_prospects(**kept)
    page = fetch_page(g.session, query, order=_BY_NAME, place=read_place(request.args, _BY_NAME))
    return render_template("outreach/prospects.html", page=page, stages=STAGES,
                           kept={name: word for name, word in kept.items() if word},
                           rows=[(row[0], read_prospect(row)) for row in page.rows],
                           count=count_text(g.session, query, "account", "accounts"))


def _prospects_kept() -> dict[str, str]:
    stage = request.args.get("stage", "")
    return {"source": request.args.get("source", "")[:200], "stage": stage if stage in STAGES else ""}


@exports(pages, "/leads/accounts/export")
def export_prospects() -> Table:
    return Table("leads", columns=PROSPECT_COLUMNS, rows=_exported())


def _exported() -> Iterator[Sequence[Any]]:
    query = select_prospects(**_prospects_kept()).order_by(Account.id)
    for row in g.session.execute(query, execution_options={"yield_per": 5_000}):
        yield read_prospect(row)
