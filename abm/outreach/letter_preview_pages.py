"""Reading a letter, a call script or a visit's brief as any person of the list; the letter as the page it will be."""

from dataclasses import dataclass

from flask import Response as FlaskResponse
from flask import abort, g, render_template, request

from abm.company.queries import company_now
from abm.contacts.models import Contact
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.people import get_content_values
from abm.outreach.postal import get_postal_addresses
from abm.outreach.preview_pages import find_reader
from abm.outreach.queries import get_campaign, search_list_people
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.channels.letter import sender_lines
from campaigns.contents import language_of, spoken_words
from campaigns.definition import CallStep, Definition, LetterStep, VisitStep, parse
from campaigns.letter_pages import make_pdf, paper_of
from campaigns.models import Campaign, Letter
from campaigns.personalisation import ContentFailure
from campaigns.rendering import preview_letter, render_script
from campaigns.sandbox_rules import ContentRefused

NO_ADDRESS = ("No street and city on file",)


@dataclass(frozen=True)
class Read:
    """A step filled in for one person, or why it cannot be. `address` is empty where a letter could not be posted."""

    campaign: Campaign
    definition: Definition
    step: LetterStep | CallStep | VisitStep
    person: Contact | None
    language: str
    subject: str = ""
    text: str = ""
    address: tuple[str, ...] = ()
    problem: str = ""


@pages.get("/campaigns/<int:campaign_id>/steps/<int:index>/words")
@requires(Permission.SEE)
def preview_words(campaign_id: int, index: int) -> Answer:
    read, words = _read(campaign_id, index), request.args.get("q", "")
    people = search_list_people(g.session, list_name=read.definition.list_name, words=words)
    chosen = {"contact": read.person.id if read.person else None, "language": read.language, "q": words}
    languages = read.step.languages if isinstance(read.step, LetterStep) else {}
    return render_template("outreach/words.html", read=read, index=index, people=people, chosen=chosen,
                           asked_language=request.args.get("language", ""),
                           language_options=[(name, name) for name in sorted(languages)],
                           **campaign_frame(read.campaign))


@pages.get("/campaigns/<int:campaign_id>/steps/<int:index>/letter.pdf")
@requires(Permission.SEE)
def preview_letter_page(campaign_id: int, index: int) -> Answer:
    """The letter as it would be printed today."""
    read = _read(campaign_id, index)
    if not isinstance(read.step, LetterStep) or read.problem or read.person is None:
        abort(404)
    letter = Letter(address=list(read.address or NO_ADDRESS), sender=list(sender_lines(read.definition.sender)),
                    subject=read.subject, body=read.text, language=language_of(read.step, read.language))
    content = make_pdf([letter], printed_at=company_now(g.session), paper=paper_of(g.company.country))
    response = FlaskResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f"inline; filename=letter-{read.step.id}.pdf"
    return response


def _read(campaign_id: int, index: int) -> Read:
    campaign = get_campaign(g.session, campaign_id)
    definition = parse(campaign.definition)
    step = definition.steps[index] if index < len(definition.steps) else None
    if not isinstance(step, LetterStep | CallStep | VisitStep):
        abort(404)
    person = find_reader(definition)
    language = request.args.get("language", "") or (person.language if person else "") or ""
    if person is None:
        return Read(campaign, definition, step, None, language,
                    problem="There is nobody to read it as: the list has no people yet, or none of this name.")
    values = get_content_values(g.session, [person.id])[person.id]
    try:
        if not isinstance(step, LetterStep):
            text = render_script(spoken_words(step, language), values)
            return Read(campaign, definition, step, person, language, text=text)
        subject, text = preview_letter(definition, step, values, language=language)
    except (ContentFailure, ContentRefused) as error:
        return Read(campaign, definition, step, person, language, problem=str(error))
    address = get_postal_addresses(g.session, [person.id]).get(person.id, ())
    return Read(campaign, definition, step, person, language, subject, text, address)
