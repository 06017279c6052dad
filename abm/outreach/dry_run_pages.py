"""The dry run: a calendar of what a launch would do, day by day."""

from datetime import date
from typing import Any

from flask import g, render_template, request

from abm.company.queries import company_today
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.launching import list_dry_lines, run_dry
from abm.outreach.queries import get_campaign
from abm.outreach.reasons import explain_reason
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import NotFound

MOST_DAYS, MOST_LINES = 366, 200
LINE_COLUMNS = ("day", "account_id", "account", "step", "channel", "outcome", "reason", "people")


@pages.get("/campaigns/<int:campaign_id>/dry-run")
@requires(Permission.SEE)
def dry_run(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    start, errors = _day(request.args.get("from", ""))
    days = min(max(request.args.get("days", 30, type=int), 1), MOST_DAYS)
    found = run_dry(g.session, campaign=campaign, start=start, days=days) if not errors else None
    typed = {"from": request.args.get("from") or company_today(g.session).isoformat(), "days": days}
    bars = [(row["day"][5:], row["goes"], f"{row['goes']:,}") for row in found["by_day"]] if found else []
    page = render_template("outreach/dry_run.html", found=found, typed=typed, errors=errors, bars=bars,
                           explain_reason=explain_reason, **campaign_frame(campaign))
    return (page, 422) if errors else page


@exports(pages, "/campaigns/<int:campaign_id>/dry-run")
def export_dry_run(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    start, _errors = _day(request.args.get("from", ""))
    days = min(max(request.args.get("days", 30, type=int), 1), MOST_DAYS)
    columns = ("day", "goes", "deferred", "blocked", "calls", "calls_planned", "calls_over", "cost")
    found = run_dry(g.session, campaign=campaign, start=start, days=days)["by_day"]
    reasons = ("; ".join(f"{count} {explain_reason(reason)}" for reason, count in row["reasons"].items())
               for row in found)
    rows = ([*(row[name] for name in columns), why] for row, why in zip(found, reasons, strict=True))
    return Table(f"{campaign.name}-dry-run", columns=(*columns, "reasons"), rows=rows)


@exports(pages, "/campaigns/<int:campaign_id>/dry-run-accounts")
def export_dry_accounts(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    rows = list_dry_lines(g.session, campaign=campaign, **_asked())
    return Table(f"{campaign.name}-dry-run-accounts", columns=LINE_COLUMNS,
                 rows=([row[name] for name in LINE_COLUMNS] for row in rows))


@pages.get("/campaigns/<int:campaign_id>/dry-run/<day>")
@requires(Permission.SEE)
def dry_day(campaign_id: int, day: str) -> Answer:
    """The drawer with one day, account by account."""
    campaign, (on, errors) = get_campaign(g.session, campaign_id), _day(day)
    if errors or on is None:
        raise NotFound(f"{day} is not a day")
    rows = list_dry_lines(g.session, campaign=campaign, **_asked(), on=on)
    return render_template("outreach/dry_day.html", campaign=campaign, day=on, rows=rows[:MOST_LINES], asked=_asked(),
                           more=len(rows) - MOST_LINES, explain_reason=explain_reason)


def _asked() -> dict[str, Any]:
    start, _errors = _day(request.args.get("from", ""))
    return {"start": start, "days": min(max(request.args.get("days", 30, type=int), 1), MOST_DAYS)}


def _day(text: str) -> tuple[date | None, dict[str, str]]:
    try:
        return (date.fromisoformat(text) if text else None), {}
    except ValueError:
        return None, {"from": "is not a day such as 2026-03-09"}
