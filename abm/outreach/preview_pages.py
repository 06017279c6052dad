"""Reading a message as any person would, and sending it to an own address to see it arrive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response as FlaskResponse
from flask import abort, flash, g, redirect, render_template, request, url_for

from abm.contacts.models import Contact
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.people import get_content_values
from abm.outreach.queries import get_campaign, search_list_people
from abm.outreach.trials import Trial, hand_over, make_trial, note_trial
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.channels.alone import is_accepted
from campaigns.definition import Definition, EmailStep, parse
from campaigns.models import Campaign
from campaigns.personalisation import ContentFailure, MissingValue, Values
from campaigns.rendering import Preview
from campaigns.rendering import preview as render_preview
from campaigns.sandbox_rules import ContentRefused
from core.db import after_commit, transaction
from core.errors import InvalidInput

# The message is shown away from our own origin: no scripts, no forms, nothing but its words, styles and pictures.
_FRAME_POLICY = ("sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; font-src https: data:; "
                 "frame-ancestors 'self'")


@dataclass(frozen=True)
class Shown:
    """A step, the person it is read as, and what they would read, or why they cannot: `problem`, or the names without
    a value, `missing` in this step and `elsewhere` by the other steps."""

    campaign: Campaign
    definition: Definition
    step: EmailStep
    person: Contact | None
    language: str
    variant: str
    message: Preview | None
    problem: str
    missing: tuple[str, ...] = ()
    elsewhere: Sequence[tuple[str, tuple[str, ...]]] = ()


@pages.get("/campaigns/<int:campaign_id>/steps/<int:index>/preview")
@requires(Permission.SEE)
def preview(campaign_id: int, index: int) -> Answer:
    return _preview_page(_shown(campaign_id, index), index, {"address": g.user.email}, {})


def _preview_page(shown: Shown, index: int, typed: Any, errors: dict[str, str]) -> str:
    words = request.values.get("q", "")
    people = search_list_people(g.session, list_name=shown.definition.list_name, words=words)
    chosen = {"contact": shown.person.id if shown.person else None, "language": shown.language,
              "variant": shown.variant, "q": words, "width": request.values.get("width", "")}
    return render_template("outreach/preview.html", shown=shown, index=index, people=people, chosen=chosen, typed=typed,
                           errors=errors, variant_options=[(name, name) for name in shown.step.variants],
                           language_options=_languages(shown), asked_language=request.values.get("language", ""),
                           sizes=_sizes(shown.message),
                           **campaign_frame(shown.campaign))


def _languages(shown: Shown) -> list[tuple[str, str]]:
    """Those of the step and of its snippets, and the one that was asked for."""
    known = {language for words in shown.definition.snippets.values() for language in words if language}
    return [(name, name) for name in sorted({*shown.step.languages, *known, shown.language} - {""})]


def _sizes(message: Preview | None) -> dict[str, int]:
    return {name: len(getattr(message, name, "").encode("utf-8", "replace")) for name in ("html", "text")}


@pages.get("/campaigns/<int:campaign_id>/steps/<int:index>/preview/message")
@requires(Permission.SEE)
def preview_message(campaign_id: int, index: int) -> Answer:
    """The message alone, for the sandboxed frame."""
    message = _shown(campaign_id, index).message
    if message is None:
        abort(404)
    response = FlaskResponse(message.html or render_template("outreach/_plain_message.html", text=message.text))
    response.headers["Content-Security-Policy"] = _FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@pages.post("/campaigns/<int:campaign_id>/steps/<int:index>/test")
@requires(Permission.EDIT_CAMPAIGNS)
def send_test(campaign_id: int, index: int) -> Answer:
    shown = _shown(campaign_id, index)
    try:
        trial = make_trial(g.session, definition=shown.definition, step=shown.step, contact=shown.person,
                           address=request.form.get("address", ""), language=shown.language, variant=shown.variant)
    except InvalidInput as error:
        return _preview_page(shown, index, request.form, error.fields), 422
    after_commit(g.session, lambda: _send(trial, shown))
    return redirect(url_for("outreach.preview", campaign_id=campaign_id, index=index,
                            contact=shown.person.id if shown.person else None, language=shown.language,
                            variant=shown.variant))


def _send(trial: Trial, shown: Shown) -> None:
    """Runs when the request's transaction has ended: no lock is held while the relay takes its time."""
    outcome = hand_over(trial)
    if not is_accepted(outcome):
        flash(f"Not sent: {outcome.text if outcome else 'the mail server did not answer in time'}", "error")
        return
    with transaction() as session:
        note_trial(session, campaign=get_campaign(session, shown.campaign.id), step=shown.step, address=trial.address)
    flash(f"Sent to {trial.address}", "success")


def _shown(campaign_id: int, index: int) -> Shown:
    campaign = get_campaign(g.session, campaign_id)
    definition = parse(campaign.definition)
    step = definition.steps[index] if index < len(definition.steps) else None
    if not isinstance(step, EmailStep):
        abort(404)
    person = find_reader(definition)
    variant = request.values.get("variant", "")
    language = request.values.get("language", "") or (person.language if person else "") or ""
    if person is None:
        problem = "There is nobody to read it as: the list has no people yet, or none of this name."
        return Shown(campaign, definition, step, person, language, variant, None, problem)
    values: Values = get_content_values(g.session, [person.id])[person.id]
    try:
        message = render_preview(definition, step, values, language=language or None, variant=variant or None)
    except MissingValue as error:
        others = [one for one in definition.steps if isinstance(one, EmailStep) and one.id != step.id]
        return Shown(campaign, definition, step, person, language, variant, None, str(error), error.names,
                     list(_missing_in(definition, others, values, language or None)))
    except (ContentFailure, ContentRefused) as error:
        return Shown(campaign, definition, step, person, language, variant, None, str(error))
    return Shown(campaign, definition, step, person, language, variant, message, "")


def _missing_in(definition: Definition, steps: Sequence[EmailStep], values: Values,
                language: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the other steps lack for the same person, so that all of it can be filled in at once."""
    for step in steps:
        try:
            render_preview(definition, step, values, language=language)
        except MissingValue as error:
            yield step.id, error.names
        except (ContentFailure, ContentRefused):
            continue  # said in that step's own preview


def find_reader(definition: Definition) -> Contact | None:
    """Who was chosen; when somebody else is looked for, the first who is found."""
    wanted, words = request.values.get("contact", type=int), request.values.get("q", "")
    found = search_list_people(g.session, list_name=definition.list_name, words=words)
    if wanted is not None and (not words or wanted in {person.id for person in found}):
        return g.session.get(Contact, wanted)  # type: ignore[no-any-return]
    return found[0] if found else None
