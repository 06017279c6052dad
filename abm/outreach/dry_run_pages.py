"""The dry run: a calendar of what a launch would do, day by day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from flask import g, render_template, request

from abm.company.queries import company_today
from abm.outreach import forecasts
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.forecast_jobs import stream_kept_lines
from abm.outreach.launch_pages import forecast_frame
from abm.outreach.launching import list_dry_lines, run_dry
from abm.outreach.models import Forecast
from abm.outreach.queries import get_campaign
from abm.outreach.reasons import explain_reason
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.models import Campaign
from core.errors import NotFound

MOST_DAYS, MOST_LINES = 366, 200
LINE_COLUMNS = ("day", "account_id", "account", "step", "channel", "outcome", "reason", "people")


@dataclass(frozen=True)
class _Asked:
    """A dry run as the address names it."""

    campaign: Campaign
    start: date | None
    days: int

    @property
    def words(self) -> str:
        return forecasts.words_of(self.start, self.days)

    def find(self) -> tuple[dict[str, Any] | None, Forecast | None]:
        """Made now where that is quick; else the stored one, if there is one, and its record."""
        if not forecasts.is_large(g.session, self.campaign):
            return run_dry(g.session, campaign=self.campaign, start=self.start, days=self.days), None
        forecast = forecasts.find_shown(g.session, campaign=self.campaign, kind=forecasts.DRY_RUN, asked=self.words)
        return (forecast.result if forecast else None), forecast

    def lines(self, on: date | None = None) -> Iterable[dict[str, Any]]:
        """Account by account."""
        if not forecasts.is_large(g.session, self.campaign):
            return list_dry_lines(g.session, campaign=self.campaign, start=self.start, days=self.days, on=on)
        forecast = forecasts.find_shown(g.session, campaign=self.campaign, kind=forecasts.DRY_RUN, asked=self.words)
        return stream_kept_lines(g.session, forecast, on) if forecast and forecast.result else ()


@pages.get("/campaigns/<int:campaign_id>/dry-run")
@requires(Permission.SEE)
def dry_run(campaign_id: int) -> Answer:
    asked, errors = _asked(campaign_id)
    found, forecast = asked.find() if not errors else (None, None)
    start = request.args.get("from") or (asked.start or company_today(g.session)).isoformat()
    typed = {"from": start, "days": asked.days}
    bars = [(row["day"][5:], row["goes"], f"{row['goes']:,}") for row in found["by_day"]] if found else []
    page = render_template("outreach/dry_run.html", found=found, typed=typed, errors=errors, bars=bars,
                           explain_reason=explain_reason, finishes_on=_day((found or {}).get("finishes_on") or "")[0],
                           **forecast_frame(asked.campaign, forecast, "dry_run", asked.words),
                           **campaign_frame(asked.campaign))
    return (page, 422) if errors else page


@exports(pages, "/campaigns/<int:campaign_id>/dry-run")
def export_dry_run(campaign_id: int) -> Table:
    asked, _errors = _asked(campaign_id)
    columns = ("day", "goes", "deferred", "blocked", "calls", "calls_planned", "calls_over", "cost")
    result, _forecast = asked.find()
    found = result["by_day"] if result else []
    reasons = ("; ".join(f"{count} {explain_reason(reason)}" for reason, count in row["reasons"].items())
               for row in found)
    rows = ([*(row[name] for name in columns), why] for row, why in zip(found, reasons, strict=True))
    return Table(f"{asked.campaign.name}-dry-run", columns=(*columns, "reasons"), rows=rows)


@exports(pages, "/campaigns/<int:campaign_id>/dry-run-accounts")
def export_dry_accounts(campaign_id: int) -> Table:
    asked, _errors = _asked(campaign_id)
    return Table(f"{asked.campaign.name}-dry-run-accounts", columns=LINE_COLUMNS,
                 rows=([row[name] for name in LINE_COLUMNS] for row in asked.lines()))


@pages.get("/campaigns/<int:campaign_id>/dry-run/<day>")
@requires(Permission.SEE)
def dry_day(campaign_id: int, day: str) -> Answer:
    """The drawer with one day, account by account."""
    (asked, _errors), (on, errors) = _asked(campaign_id), _day(day)
    if errors or on is None:
        raise NotFound(f"{day} is not a day")
    rows = iter(asked.lines(on))
    shown = list(islice(rows, MOST_LINES))
    return render_template("outreach/dry_day.html", campaign=asked.campaign, day=on, rows=shown, asked=asked,
                           more=sum(1 for _ in rows), explain_reason=explain_reason)


def _asked(campaign_id: int) -> tuple[_Asked, dict[str, str]]:
    """What the address asks for; when it says nothing, the stored one that was asked for last."""
    campaign = get_campaign(g.session, campaign_id)
    start, errors = _day(request.args.get("from", ""))
    days = min(max(request.args.get("days", 30, type=int), 1), MOST_DAYS)
    latest = None if request.args else forecasts.find_latest(g.session, campaign=campaign, kind=forecasts.DRY_RUN)
    if latest is not None:
        start, days = forecasts.read_words(latest.asked)
    return _Asked(campaign, start, days), errors


def _day(text: str) -> tuple[date | None, dict[str, str]]:
    try:
        return (date.fromisoformat(text) if text else None), {}
    except ValueError:
        return None, {"from": "is not a day such as 2026-03-09"}
