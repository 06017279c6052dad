"""Asking for a launch check or a dry run that a worker makes, and how far it is."""

from flask import g, make_response, redirect, render_template, request, url_for

from abm.outreach import forecasts
from abm.outreach.blueprint import Answer, pages
from abm.outreach.launch_pages import forecast_frame
from abm.outreach.models import Forecast
from abm.outreach.queries import get_campaign
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import NotFound

_LONGEST = 366


@pages.post("/campaigns/<int:campaign_id>/forecasts/<kind>")
@requires(Permission.EDIT_CAMPAIGNS)
def ask_forecast(campaign_id: int, kind: str) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    if kind == forecasts.CHECK:
        forecasts.ask_forecast(g.session, campaign=campaign, kind=kind)
        return redirect(url_for("outreach.check", campaign_id=campaign_id))
    try:
        start, days = forecasts.read_words(request.form.get("asked", ""))
    except ValueError as error:
        raise NotFound("There is no such dry run; ask for it on the campaign's page") from error
    asked = forecasts.words_of(start, min(max(days, 1), _LONGEST))
    forecasts.ask_forecast(g.session, campaign=campaign, kind=forecasts.DRY_RUN, asked=asked)
    shown = {"campaign_id": campaign_id, "days": days, "from": start.isoformat() if start else None}
    return redirect(url_for("outreach.dry_run", **shown))  # type: ignore[arg-type]  # `from` is no name of Python's


@pages.get("/campaigns/<int:campaign_id>/forecasts/<int:forecast_id>")
@requires(Permission.SEE)
def forecast_progress(campaign_id: int, forecast_id: int) -> Answer:
    """How far it is; the page around it is asked for anew when it has ended."""
    campaign, forecast = get_campaign(g.session, campaign_id), g.session.get(Forecast, forecast_id)
    frame = forecast_frame(campaign, forecast, forecast.kind if forecast else "", forecast.asked if forecast else "")
    response = make_response(render_template("outreach/_forecast.html", campaign=campaign, found=None, errors={},
                                             **frame))
    if not frame["is_under_way"]:
        response.headers["HX-Refresh"] = "true"
    return response
