"""Checking, approving and launching a campaign, and holding or ending it."""

from typing import Any

from flask import flash, g, redirect, render_template, url_for

from abm.outreach import forecasts, launching
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.launch_check import LaunchCheck, get_left_out_names
from abm.outreach.models import Forecast
from abm.outreach.queries import get_campaign
from abm.outreach.reasons import explain_reason
from abm.outreach.version_changes import move_running_people, say_group
from abm.users.queries import get_user
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission, Role
from campaigns.definition import parse
from campaigns.models import Approval, Campaign
from campaigns.versions import report_change
from core import clock
from core.errors import Refused


@pages.get("/campaigns/<int:campaign_id>/check")
@requires(Permission.SEE)
def check(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    frame = campaign_frame(campaign)
    refusal = _why_not_approve(campaign, frame["approval"])
    found, forecast = find_check(campaign)
    return render_template("outreach/check.html", found=found,
                           names=get_left_out_names(g.session, found) if found else {},
                           explain_reason=explain_reason, refusal=refusal, say_group=say_group,
                           objections=_objections(campaign, found),
                           change=report_change(g.session, campaign),
                           has_moved_on=_has_moved_on(campaign, frame["approval"], forecast),
                           **forecast_frame(campaign, forecast, "check"), **frame)


def _why_not_approve(campaign: Campaign, approval: Approval | None) -> str:
    """Why this user may not approve it; empty where they may."""
    if campaign.editor_id is not None and campaign.editor_id == g.user.id:
        return "You changed it last, so somebody else has to approve it."
    if approval is not None and approval.approved_by_id == g.user.id:
        return "You approved it already, so somebody else has to be the second."
    if campaign.definition.get("caps") == "exempt" and g.user.role != Role.ADMIN:
        return "It ignores the frequency caps, so an administrator has to approve it."
    return ""


def _objections(campaign: Campaign, found: LaunchCheck | None) -> list[str]:
    """For what a launch is refused, so that there is nothing to approve; what is cheap where counting takes long."""
    if found is None:
        return launching.find_refusals(g.session, parse(campaign.definition))
    return [finding.sentence for finding in found.findings if finding.is_refusal]


def _has_moved_on(campaign: Campaign, approval: Approval | None, forecast: Forecast | None) -> bool:
    """Whether the campaign means other people than at its approval; as far as is known where counting takes long."""
    if approval is None or not approval.audience_hash:
        return False
    if not forecasts.is_large(g.session, campaign):
        return forecasts.audience_of(g.session, campaign) != approval.audience_hash
    return bool(forecast and forecast.audience_hash and forecast.audience_hash != approval.audience_hash)


def find_check(campaign: Campaign) -> tuple[LaunchCheck | None, Forecast | None]:
    """The launch check: made now where that is quick; else the stored one, if there is one, and its record."""
    if not forecasts.is_large(g.session, campaign):
        return launching.check_launch(g.session, campaign=campaign), None
    forecast = forecasts.find_shown(g.session, campaign=campaign, kind=forecasts.CHECK)
    return (forecasts.read_check(forecast) if forecast else None), forecast


def forecast_frame(campaign: Campaign, forecast: Forecast | None, kind: str, asked: str = "") -> dict[str, Any]:
    """What the lines about a stored result need: when it was made, whether it still holds, how far it is."""
    return {"forecast": forecast, "forecast_kind": kind, "forecast_asked": asked,
            "is_under_way": forecasts.is_under_way(forecast, clock.now()),
            "is_current": forecasts.is_current(g.session, campaign, forecast)}


@exports(pages, "/campaigns/<int:campaign_id>/left-out")
def export_left_out(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    found, _forecast = find_check(campaign)
    left_out = found.left_out if found else ()
    rows = ((group.reason, explain_reason(group.reason), group.count) for group in left_out)
    return Table(f"{campaign.name}-left-out", columns=("reason", "in_words", "people"), rows=rows)


@pages.post("/campaigns/<int:campaign_id>/approve")
@requires(Permission.APPROVE_CAMPAIGNS)
def approve(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    try:
        found = launching.approve_campaign(g.session, campaign=campaign, by=get_user(g.session, g.user.id))
        flash(f"Approved for {found.whom}" + ("; a second person has to approve it too" * found.waits_for_second),
              "success")
    except Refused as error:
        g.session.rollback()
        flash(str(error), "error")
    return redirect(url_for("outreach.check", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/move")
@requires(Permission.LAUNCH_CAMPAIGNS)
def move(campaign_id: int) -> Answer:
    run, moved = move_running_people(g.session, campaign=get_campaign(g.session, campaign_id))
    flash(f"{moved:,} people go on in run {run.number}, on the new version.", "success")
    return redirect(url_for("outreach.check", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/launch")
@requires(Permission.LAUNCH_CAMPAIGNS)
def launch(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    launching.launch_campaign(g.session, campaign=campaign)
    flash("Launched. People are being enrolled; what is due goes out.", "success")
    return redirect(url_for("outreach.results", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/pause")
@requires(Permission.LAUNCH_CAMPAIGNS)
def pause(campaign_id: int) -> Answer:
    launching.pause_campaign(g.session, campaign=get_campaign(g.session, campaign_id))
    flash("Paused. At most what was being handed over still goes out; nothing is lost.", "success")
    return redirect(url_for("outreach.results", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/resume")
@requires(Permission.LAUNCH_CAMPAIGNS)
def resume(campaign_id: int) -> Answer:
    launching.resume_campaign(g.session, campaign=get_campaign(g.session, campaign_id))
    flash("Going on with exactly the rest.", "success")
    return redirect(url_for("outreach.results", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/cancel")
@requires(Permission.LAUNCH_CAMPAIGNS)
def cancel(campaign_id: int) -> Answer:
    launching.cancel_campaign(g.session, campaign=get_campaign(g.session, campaign_id))
    flash("Cancelled. What had not been sent is never sent.", "success")
    return redirect(url_for("outreach.results", campaign_id=campaign_id))
