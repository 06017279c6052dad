"""What is wrong with a message, told while it is written: the form as it stands, checked and not saved."""

from dataclasses import dataclass

from flask import abort, g, render_template, request

from abm.outreach.blueprint import Answer, pages
from abm.outreach.queries import get_campaign
from abm.outreach.script_findings import find_script_faults
from abm.outreach.snippets import with_snippets
from abm.outreach.step_forms import read_step
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.contents import every_wording
from campaigns.definition import CallStep, Definition, EmailStep, parse
from campaigns.html_parts import prepare_html
from campaigns.lint import Level, lint_step
from campaigns.sandbox_rules import ContentRefused
from core.errors import InvalidInput


@dataclass(frozen=True)
class Shown:
    """One finding as the list shows it."""

    is_blocking: bool
    place: str
    sentence: str


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>/check")
@requires(Permission.EDIT_CAMPAIGNS)
def check_content(campaign_id: int, index: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    if index >= len(campaign.definition["steps"]):
        abort(404)
    try:
        raw = read_step(request.form, campaign.definition, index)
        definition = parse(with_snippets(g.session, raw, campaign))
    except InvalidInput as error:
        findings = [Shown(True, place, sentence) for place, sentence in error.fields.items()]
        return render_template("outreach/_findings.html", findings=findings, sizes=[])
    return render_template("outreach/_findings.html", **_looked_at(definition, index))


def _looked_at(definition: Definition, index: int) -> dict[str, object]:
    step = definition.steps[index]
    found = lint_step(definition, step)
    findings = [Shown(one.level is Level.BLOCK, one.place, one.message) for one in found]
    findings += [Shown(False, place, fault) for place, fault in find_script_faults(step)]
    return {"findings": findings, "is_call": isinstance(step, CallStep),
            "sizes": _sizes(definition, step) if isinstance(step, EmailStep) else []}


def _sizes(definition: Definition, step: EmailStep) -> list[tuple[str, int]]:
    """The HTML of each wording in bytes, its values left out; none for what cannot be compiled."""
    sizes = []
    for wording, words in every_wording(step, definition.snippets):
        try:
            if words.html:
                sizes.append((wording, len(prepare_html(words.html).plain.encode("utf-8", "replace"))))
        except ContentRefused:
            continue
    return sizes
