"""The library of plays: look through it, read one, make it one's own."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.outreach.blueprint import Answer, pages
from abm.outreach.plays import use_play
from abm.outreach.queries import list_target_lists
from abm.outreach.step_words import KIND_ICONS, KIND_WORDS, say_waves
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary
from abm.targets.sentence import say_rule
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.definition import BranchStep, parse
from campaigns.library import get_play, list_plays
from campaigns.passing import say_test
from core.errors import InvalidInput


@pages.get("/campaigns/plays")
@requires(Permission.SEE)
def plays() -> Answer:
    return render_template("outreach/plays.html", plays=list_plays(), kind_words=KIND_WORDS, kind_icons=KIND_ICONS)


@pages.get("/campaigns/plays/<name>")
@requires(Permission.SEE)
def play(name: str) -> Answer:
    return _page(name, {})


@pages.post("/campaigns/plays/<name>")
@requires(Permission.EDIT_CAMPAIGNS)
def use(name: str) -> Answer:
    """One click: the list, the offer and a draft; the words are there to be made one's own."""
    try:
        with g.session.begin_nested():  # all of it or nothing: no list without its campaign
            campaign = use_play(g.session, play=get_play(name), list_name=request.form.get("list", ""),
                                sender_email=request.form.get("sender_email", "").strip(),
                                webhook_url=request.form.get("webhook_url", "").strip())
    except InvalidInput as error:
        fields = error.fields or {"sender_email": str(error)}
        return _page(name, {"webhook_url" if place.endswith(".url") else "sender_email": sentence
                            for place, sentence in fields.items()}), 422
    flash("It is a draft of yours now; nobody gets it before it is checked and approved. Make the words your own.",
          "success")
    return redirect(url_for("outreach.show", campaign_id=campaign.id))


def _page(name: str, errors: dict[str, str]) -> str:
    found = get_play(name)
    vocabulary = get_vocabulary(g.session)
    who = say_rule(read_rules(found.who, vocabulary), vocabulary)
    definition = parse({"campaign": found.name, "title": found.title, "list": found.name,
                        "sender": {"email": "sales@example.com"}, **found.campaign})
    questions = {step.id: say_test(step.test) for step in definition.steps if isinstance(step, BranchStep)}
    return render_template(
        "outreach/play.html", play=found, who=who[:1].upper() + who[1:], lists=list_target_lists(g.session),
        errors=errors, kind_words=KIND_WORDS, questions=questions, waves=say_waves(definition),
        sender_email=request.form.get("sender_email", g.user.email),
        chosen=request.form.get("list", ""), webhook_url=request.form.get("webhook_url", ""))
