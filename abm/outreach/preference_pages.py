"""The preference page: a switch for every purpose, and the confirmation of a double opt-in.

Signed tokens authorise it. A visit never acts; turning something on takes a mail to the address and a click there.
"""

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from abm.outreach.opt_in_mail import JOB
from abm.outreach.public_pages import bold, delivery_or_404, in_words, masked, private, texts_of, visitor_evidence
from abm.outreach.recipient_texts import texts_for
from abm.web.access import public
from campaigns import consent, opt_in
from campaigns.models import Delivery
from campaigns.preferences import list_preferences
from campaigns.tracking import read_preferences
from core.errors import NotFound, Refused
from core.jobs import ring_after_commit

pages = Blueprint("preferences", __name__)


@pages.get("/p/<token>")
@public
def show(token: str) -> BaseResponse:
    """Asks; changes nothing, whoever fetches it."""
    return _page(token, delivery_or_404(read_preferences(token)))


@pages.post("/p/<token>")
@public
def save(token: str) -> BaseResponse:
    """Turns off at once what was switched off; asks the address to confirm what was switched on."""
    delivery = delivery_or_404(read_preferences(token))
    if request.form.get("scope") == "all":
        consent.unsubscribe(g.session, delivery_id=delivery.id, is_all_mail=True, source="preference page",
                            evidence=visitor_evidence())
        say = texts_of(delivery)
        return _page(token, delivery, stopped=[say.plain("everything")])
    wanted = set(request.form.getlist("purpose"))
    shown = [one for one in list_preferences(g.session, delivery) if not one.is_fixed]
    stopped = [one.purpose for one in shown if one.is_on and one.purpose not in wanted]
    for purpose in stopped:
        consent.unsubscribe(g.session, delivery_id=delivery.id, source="preference page", evidence=visitor_evidence(),
                            purpose=purpose)
    asked = [one.purpose for one in shown if not one.is_on and one.purpose in wanted]
    for purpose in asked:
        say = texts_of(delivery)
        opt_in.ask_again(g.session, delivery=delivery, purpose=purpose, evidence=visitor_evidence(),
                         agreed=opt_in.Wording(say.plain(opt_in.WORDING, company=g.company.name, purpose=purpose),
                                               say.language))
    if asked:
        ring_after_commit(g.session, JOB)
    return _page(token, delivery, stopped=[in_words(one) for one in stopped], asked=[in_words(one) for one in asked])


def _page(token: str, delivery: Delivery, *, stopped: list[str] | None = None,
          asked: list[str] | None = None) -> BaseResponse:
    g.session.flush()
    say = texts_of(delivery)
    return private(render_template(
        "messages/preferences.html", say=say, bold=bold, token=token, address=masked(delivery.address, say),
        company=g.company,
        preferences=list_preferences(g.session, delivery), in_words=in_words, stopped=stopped or [],
        asked=asked or []))


@pages.get("/p/confirm/<token>")
@public
def ask_confirm(token: str) -> BaseResponse:
    """Asks; changes nothing, whoever fetches it."""
    return _confirm_page(token, is_done=False)


@pages.post("/p/confirm/<token>")
@public
def confirm(token: str) -> BaseResponse:
    return _confirm_page(token, is_done=True)


def _confirm_page(token: str, *, is_done: bool) -> BaseResponse:
    request_id = opt_in.read_confirm(token) or 0
    try:
        found = (opt_in.confirm(g.session, request_id=request_id, evidence=visitor_evidence()) if is_done
                 else opt_in.get_request(g.session, request_id))
    except (NotFound, Refused) as error:
        answer = private(render_template("messages/confirm_refused.html", why=str(error), company=g.company,
                                         say=texts_for(request.accept_languages.values())))
        answer.status_code = 404 if isinstance(error, NotFound) else 410
        return answer
    say = texts_of(found.delivery)
    return private(render_template(
        "messages/confirm.html", say=say, bold=bold, token=token, company=g.company,
        address=masked(found.delivery.address, say),
        wording=(found.entry.evidence or {}).get("wording", ""), is_confirmed=found.is_confirmed,
        purpose=in_words(found.entry.purpose)))
