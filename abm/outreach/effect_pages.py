"""What a campaign brought against the accounts left alone, and which wording did better."""

from flask import g, render_template, request

from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.effect import read_effect
from abm.outreach.effect_rules import points
from abm.outreach.queries import get_campaign
from abm.outreach.variant_results import list_trials
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import NotFound

SPANS = (30, 60, 90, 180)
DRAWERS = ("rate", "value", "orders", "split", "contamination", "cost")


@pages.get("/campaigns/<int:campaign_id>/effect")
@requires(Permission.SEE)
def effect(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return render_template("outreach/effect.html", found=read_effect(g.session, campaign, days=_span()), spans=SPANS,
                           span=_span(), points=points, trials=list_trials(g.session, campaign_id),
                           **campaign_frame(campaign))


@pages.get("/campaigns/<int:campaign_id>/effect/why/<what>")
@requires(Permission.SEE)
def why_effect(campaign_id: int, what: str) -> Answer:
    """The drawer with one number's arithmetic; `what` is one of DRAWERS."""
    if what not in DRAWERS:
        raise NotFound(f"There is no arithmetic of {what}")
    campaign = get_campaign(g.session, campaign_id)
    return render_template("outreach/why_effect.html", found=read_effect(g.session, campaign, days=_span()), what=what,
                           points=points, campaign=campaign)


@exports(pages, "/campaigns/<int:campaign_id>/effect")
def export_effect(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    found = read_effect(g.session, campaign, days=_span())
    named = (("written to", found.treated.as_json()), ("left alone", found.held_out.as_json()))
    columns = tuple(found.treated.as_json())
    return Table(f"{campaign.name}-effect", columns=("group", *columns),
                 rows=([name, *(row[column] for column in columns)] for name, row in named))


@exports(pages, "/campaigns/<int:campaign_id>/variants")
def export_variants(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    rows = ((trial.step, arm.name, arm.sent, arm.clicked, arm.replied, *(
        end for found in (arm.clicks, arm.replies)
        for end in ((found.value, found.low, found.high) if found else (None, None, None))))
        for trial in list_trials(g.session, campaign_id) for arm in trial.arms)
    return Table(f"{campaign.name}-variants", rows=rows, columns=(
        "step", "variant", "sent", "clicked", "replied", "click_difference", "click_low", "click_high",
        "reply_difference", "reply_low", "reply_high"))


def _span() -> int | None:
    """Days that orders are counted for, from the query; None: all since."""
    days = request.args.get("days", 0, type=int)
    return days if days in SPANS else None
