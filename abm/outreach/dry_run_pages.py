"""The dry run: a calendar of what a launch would do, day by day."""

from datetime import date

from flask import g, render_template, request

from abm.company.queries import company_today
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.launching import run_dry
from abm.outreach.queries import get_campaign
from abm.outreach.reasons import explain_reason
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission

MOST_DAYS = 366


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
    columns = ("day", "goes", "deferred", "blocked", "calls", "cost")
    found = run_dry(g.session, campaign=campaign, start=start, days=days)["by_day"]
    reasons = ("; ".join(f"{count} {explain_reason(reason)}" for reason, count in row["reasons"].items())
               for row in found)
    rows = ([*(row[name] for name in columns), why] for row, why in zip(found, reasons, strict=True))
    return Table(f"{campaign.name}-dry-run", columns=(*columns, "reasons"), rows=rows)


def _day(text: str) -> tuple[date | None, dict[str, str]]:
    try:
        return (date.fromisoformat(text) if text else None), {}
    except ValueError:
        return None, {"from": "is not a day such as 2026-03-09"}
