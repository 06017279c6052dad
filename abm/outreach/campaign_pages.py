"""The list of campaigns, and a campaign's basics and text."""

from collections.abc import Iterable
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, g, redirect, render_template, request, url_for

from abm.outreach import actions
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_files import read_campaign_text, write_campaign_text
from abm.outreach.forms import Typed, basics_typed, read_basics
from abm.outreach.queries import (
    BOOKS,
    count_campaigns,
    get_campaign,
    list_buying_roles,
    list_campaigns,
    list_runs,
    list_target_lists,
)
from abm.outreach.starter import starter_step
from abm.outreach.step_words import say_step, say_target, say_waves
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.approvals import find_approval
from campaigns.complaint_days import list_complaint_days
from campaigns.definition import CONDITIONS, DAYS, DEFAULT_STOPS, STOPS, UNITS, parse
from campaigns.models import Campaign, RelayHealth
from campaigns.refusals import say_reentry
from campaigns.sending.breaker import find_trouble
from campaigns.sending.routes import find_route
from campaigns.states import CampaignState
from core.errors import InvalidInput, Refused

COMMON_ROLES = ("decision_maker", "champion", "influencer", "user")
STATES = ("running", "paused", "approved", "draft", "finished", "cancelled")


@pages.get("/campaigns")
@requires(Permission.SEE)
def index() -> Answer:
    wanted, counts = request.args.get("state", ""), count_campaigns(g.session)
    return render_template("outreach/index.html", rows=list_campaigns(g.session, wanted), total=sum(counts.values()),
                           counts={state: counts.get(state, 0) for state in STATES}, wanted=wanted)


@exports(pages, "/campaigns/export")
def export_campaigns() -> Table:
    rows = ((row.campaign.name, row.campaign.title, row.campaign.state, row.campaign.purpose, row.launched_at,
             row.planned, *(row.books.get(book, 0) for book in BOOKS), row.campaign.editor_name,
             row.campaign.updated_at)
            for row in list_campaigns(g.session, request.args.get("state", "")))
    return Table("campaigns", columns=("campaign", "title", "state", "purpose", "launched_at", "planned", *BOOKS,
                                       "edited_by", "updated_at"), rows=rows)


@pages.get("/campaigns/new")
@requires(Permission.EDIT_CAMPAIGNS)
def new() -> Answer:
    typed = Typed({"purpose": "marketing", "sender_name": g.company.name, "sender_email": g.user.email, "priority": "5",
                   "sender_postal_address": g.company.postal_address, "holdout": "0", "window": "company",
                   "zone": "recipient", "opens": "09:00", "closes": "17:00", "list": request.args.get("list", "")})
    typed.setlist("stop_when", list(DEFAULT_STOPS))
    typed.setlist("days", ["mon", "tue", "wed", "thu", "fri"])
    typed.update({"leavers": "yes", "wave_amount": "5", "wave_unit": "working days", "reentry_days": "90"})
    return _basics_form(typed, {})


@pages.post("/campaigns/new")
@requires(Permission.EDIT_CAMPAIGNS)
def create() -> Answer:
    try:
        raw = read_basics(request.form, steps=[starter_step("email", "hello")])
        campaign = actions.create_campaign(g.session, raw=raw)
    except InvalidInput as error:
        return _basics_form(request.form, error.fields), 422
    flash("Campaign made. Now write its first message.", "success")
    return redirect(url_for("outreach.edit_step", campaign_id=campaign.id, index=0))


@pages.get("/campaigns/<int:campaign_id>")
@requires(Permission.SEE)
def show(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    definition = parse(campaign.definition)
    return render_template(
        "outreach/show.html", definition=definition, say_step=say_step, waves=say_waves(definition),
        reentry=say_reentry(definition.reentry) if definition.reentry else "at every launch",
        where=lambda index, target: say_target(definition, index, target), **campaign_frame(campaign))


def campaign_frame(campaign: Campaign) -> dict[str, Any]:
    """What the frame around every page of one campaign shows."""
    return {"campaign": campaign, "runs": list_runs(g.session, campaign.id),
            "approval": find_approval(g.session, campaign),
            "complaints": list_complaint_days(g.session, domain=_sender_domain(campaign)),
            "relay": _find_trouble(campaign)}


def _find_trouble(campaign: Campaign) -> RelayHealth | None:
    """What holds up all that a campaign under way would send."""
    sender = _sender_email(campaign)
    if not sender or campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        return None
    return find_trouble(g.session, find_route(g.session, sender).health_id)


def _sender_email(campaign: Campaign) -> str:
    """Of its present sender; empty where it has none yet."""
    return str((campaign.definition.get("sender") or {}).get("email") or "")


def _sender_domain(campaign: Campaign) -> str:
    """A dash, which is no domain, where there is none yet."""
    return _sender_email(campaign).rpartition("@")[2].strip().lower() or "-"


@pages.get("/campaigns/<int:campaign_id>/basics")
@requires(Permission.EDIT_CAMPAIGNS)
def edit(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return _basics_form(basics_typed(campaign.definition), {}, campaign)


@pages.post("/campaigns/<int:campaign_id>/basics")
@requires(Permission.EDIT_CAMPAIGNS)
def save(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    typed = Typed(request.form)
    typed["campaign"] = campaign.name
    was_approved = find_approval(g.session, campaign) is not None
    try:
        actions.change_campaign(g.session, campaign=campaign,
                                raw=read_basics(typed, steps=campaign.definition["steps"]))
    except InvalidInput as error:
        return _basics_form(typed, error.fields, campaign), 422
    flash(say_saved(campaign, was_approved=was_approved), "success")
    return redirect(url_for("outreach.show", campaign_id=campaign.id))


def say_saved(campaign: Campaign, *, was_approved: bool) -> str:
    """What a save did. `was_approved`: an approval stood before it, which a real change voids."""
    if was_approved and find_approval(g.session, campaign) is None:
        return "Saved. The approval is gone: what changed has to be approved again before it is launched"
    return "Saved"


def _basics_form(typed: Typed, errors: dict[str, str], campaign: Campaign | None = None) -> str:
    roles = list(dict.fromkeys([*list_buying_roles(g.session), *COMMON_ROLES, *typed.getlist("roles")]))
    return render_template("outreach/basics.html", typed=typed, errors=errors, campaign=campaign,
                           lists=list_target_lists(g.session), role_options=_options(roles),
                           day_options=_options(DAYS), stop_options=_options(STOPS),
                           unit_options=[(unit, unit) for unit in UNITS],
                           condition_options=[(one, f"has {one}") for one in CONDITIONS])


def _options(words: Iterable[str]) -> list[tuple[str, str]]:
    return [(word, word.replace("_", " ").capitalize()) for word in words]


@pages.get("/campaigns/<int:campaign_id>/text")
@requires(Permission.SEE)
def text(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return _text_page(campaign, {"text": write_campaign_text(campaign.definition)}, {})


@pages.post("/campaigns/<int:campaign_id>/text")
@requires(Permission.EDIT_CAMPAIGNS)
def save_text(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    try:
        raw = read_campaign_text(request.form.get("text", "").replace("\r\n", "\n"))
        if raw.get("campaign") != campaign.name:
            raise Refused(f"campaign: the name stays {campaign.name}; to make another campaign, use New campaign")
        was_approved = find_approval(g.session, campaign) is not None
        actions.change_campaign(g.session, campaign=campaign, raw=raw)
    except Refused as error:
        return _text_page(campaign, request.form, {"text": str(error)}), 422
    flash(say_saved(campaign, was_approved=was_approved), "success")
    return redirect(url_for("outreach.text", campaign_id=campaign.id))


def _text_page(campaign: Campaign, typed: Any, errors: dict[str, str]) -> str:
    return render_template("outreach/text.html", typed=typed, errors=errors, **campaign_frame(campaign))


@pages.get("/campaigns/<int:campaign_id>/campaign.yaml")
@requires(Permission.SEE)
def download_text(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    response = FlaskResponse(write_campaign_text(campaign.definition), content_type="application/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = f"attachment; filename=campaign-{campaign.id}.yaml"
    return response
