"""Adding, changing, moving and removing the steps of a campaign."""

import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for

from abm.outreach import actions
from abm.outreach.blueprint import Answer, pages
from abm.outreach.branch_rules import list_rule_fields
from abm.outreach.campaign_pages import COMMON_ROLES, campaign_frame, say_saved
from abm.outreach.forms import Typed, field_of_step
from abm.outreach.queries import get_campaign, list_buying_roles, list_offers
from abm.outreach.snippets import list_snippets
from abm.outreach.starter import starter_step
from abm.outreach.step_forms import RULE, read_step, step_typed, wordings
from abm.targets.vocabulary import Operator
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.permissions import Permission, may
from campaigns.approvals import find_approval
from campaigns.channels.webhook_secrets import read_turns, secrets_of
from campaigns.definition import ACCOUNT_OWNER, ACCOUNT_PARTNER, CONDITIONS, END, STEP_KINDS, UNITS
from campaigns.models import Campaign
from campaigns.personalisation import every_name
from core import clock
from core.errors import InvalidInput, Refused


@pages.post("/campaigns/<int:campaign_id>/steps")
@requires(Permission.EDIT_CAMPAIGNS)
def add_step(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    steps = list(campaign.definition["steps"])
    channel = request.form.get("channel", "email")
    if channel not in STEP_KINDS:
        abort(404)
    steps.append(starter_step(channel, _free_id({step["id"] for step in steps}, channel)))
    actions.change_campaign(g.session, campaign=campaign, raw={**campaign.definition, "steps": steps})
    return redirect(url_for("outreach.edit_step", campaign_id=campaign.id, index=len(steps) - 1))


def _free_id(taken: set[str], channel: str) -> str:
    if channel == "email" and "hello" not in taken:
        return "hello"
    return next(name for number in range(1, 1000) if (name := f"{channel}-{number}") not in taken)


@pages.get("/campaigns/<int:campaign_id>/steps/<int:index>")
@requires(Permission.EDIT_CAMPAIGNS)
def edit_step(campaign_id: int, index: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return _step_form(campaign, index, step_typed(_step(campaign, index)), {})


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>")
@requires(Permission.EDIT_CAMPAIGNS)
def save_step(campaign_id: int, index: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    _step(campaign, index)
    was_approved = find_approval(g.session, campaign) is not None
    try:
        actions.change_campaign(g.session, campaign=campaign, raw=read_step(request.form, campaign.definition, index))
    except InvalidInput as error:
        prefix = f"steps[{index}]."
        errors = {field_of_step(place, prefix): sentence for place, sentence in error.fields.items()}
        return _step_form(campaign, index, request.form, errors), 422
    flash(say_saved(campaign, was_approved=was_approved), "success")
    return redirect(url_for("outreach.edit_step", campaign_id=campaign.id, index=index))


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>/move")
@requires(Permission.EDIT_CAMPAIGNS)
def move_step(campaign_id: int, index: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    steps, step = list(campaign.definition["steps"]), _step(campaign, index)
    target = index + (-1 if request.form.get("to") == "up" else 1)
    if 0 <= target < len(steps):
        steps.pop(index)
        steps.insert(target, step)
        _change_steps(campaign, steps)
    return redirect(url_for("outreach.show", campaign_id=campaign.id))


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>/remove")
@requires(Permission.EDIT_CAMPAIGNS)
def remove_step(campaign_id: int, index: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    steps, step = list(campaign.definition["steps"]), _step(campaign, index)
    if len(steps) == 1:
        raise Refused("A campaign has at least one step: change this one, or add another before removing it")
    steps.pop(index)
    if _change_steps(campaign, steps):
        flash(f"Step {step['id']} removed", "success")
    return redirect(url_for("outreach.show", campaign_id=campaign.id))


def _change_steps(campaign: Campaign, steps: list[Any]) -> bool:
    """False, with the reason shown, where a jump would lead backwards or nowhere."""
    try:
        actions.change_campaign(g.session, campaign=campaign, raw={**campaign.definition, "steps": steps})
    except InvalidInput as error:
        flash(f"Nothing was changed: {'; '.join(error.fields.values())}", "error")
        return False
    return True


@pages.get("/campaigns/<int:campaign_id>/steps/wording")
@requires(Permission.EDIT_CAMPAIGNS)
def new_wording(campaign_id: int) -> Answer:  # noqa: ARG001  the address tells whose form it is for
    """A fresh block of fields for a language or variant, put into the form by htmx."""
    kind = "variants" if request.args.get("kind") == "variants" else "languages"
    name = request.args.get("new_variant" if kind == "variants" else "new_language", "").strip().casefold()
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,9}", name):
        return render_template("outreach/_wording_refused.html", kind=kind), 422
    asked = request.args.get("kind", "")
    block = _BLOCKS.get(asked, "outreach/_wording.html")
    return render_template(block, kind=kind, name=name, channel=asked, typed={}, errors={})


_BLOCKS = {"letter": "outreach/_letter_wording.html", "call": "outreach/_spoken_wording.html",
           "visit": "outreach/_spoken_wording.html"}


def _step(campaign: Campaign, index: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = campaign.definition["steps"]
    if index >= len(steps):
        abort(404)
    return steps[index]


def _step_form(campaign: Campaign, index: int, typed: Typed, errors: dict[str, str]) -> str:
    step = _step(campaign, index)
    channel = step.get("channel", "email")
    later = [(one["id"], one["id"]) for one in campaign.definition["steps"][index + 1:]]
    tests = [*((one, one) for one in CONDITIONS), (RULE, "a field or score that fits")]
    return render_template(
        "outreach/step.html", index=index, channel=channel, typed=typed, errors=errors, shown_fields=_SHOWN,
        languages=wordings(typed, "languages"), variants=wordings(typed, "variants"),
        unit_options=[(unit, unit) for unit in UNITS], condition_options=[(one, f"has {one}") for one in CONDITIONS],
        later_options=[*later, (END, "the end of the campaign")], test_options=tests, operators=list(Operator),
        rule_fields=list_rule_fields(g.session) if channel == "branch" else (),
        role_options=[(role, role.replace("_", " ")) for role in _roles(campaign, typed)],
        webhook_secrets=_secrets(step) if channel == "webhook" and may_see_secret() else (),
        payload_hint="One a line, such as  city: {{ account.city }}", offers=list_offers(g.session),
        user_options=_callers(), names=every_name(),
        snippets=sorted({one.name for one in list_snippets(g.session)}), **campaign_frame(campaign))


def _secrets(step: dict[str, Any]) -> tuple[str, ...]:
    return secrets_of(step["url"], read_turns(g.session), now=clock.now())


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>/secret")
@requires(Permission.LAUNCH_CAMPAIGNS)
def rotate_webhook_secret(campaign_id: int, index: int) -> Answer:
    """A new signing secret for the step's host; the one before signs beside it for two days."""
    step = _step(get_campaign(g.session, campaign_id), index)
    if step.get("channel") != "webhook":
        abort(404)
    try:
        actions.rotate_webhook_secret(g.session, url=step["url"])
        flash("A new secret signs from now on, and for two days the one before as well: give the new one to the "
              "receiver.", "success")
    except Refused as error:
        flash(str(error), "error")
    return redirect(url_for("outreach.edit_step", campaign_id=campaign_id, index=index))


_SHOWN = ("subject", "html", "text", "id", "after_amount", "script", "brief", "body", "url", "payload", "assign_to",
          "offer", "next", "then", "otherwise", "if_event", "if_field", "if_rule", "roles")


def _roles(campaign: Campaign, typed: Typed) -> list[str]:
    meant = campaign.definition.get("people", {}).get("roles") or [*list_buying_roles(g.session), *COMMON_ROLES]
    return list(dict.fromkeys([*meant, *typed.getlist("roles")]))


def may_see_secret() -> bool:
    return may(g.user.role, Permission.LAUNCH_CAMPAIGNS)


def _callers() -> list[tuple[str, str]]:
    users = [(user.email, f"{user.name} ({user.role})") for user in list_active_users(g.session)]
    return [(ACCOUNT_OWNER, "The account's owner"),
            (ACCOUNT_PARTNER, "The account's partner, else its owner"), *users]
