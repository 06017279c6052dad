"""What recipients reach without signing in: the unsubscribe page, counted links, the pixel. Tokens authorise it.

A visit never acts (mail scanners follow every link); only the POST of the page or of the mail program does (RFC 8058).
"""

from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from abm.outreach.recipient_texts import Texts, texts_for
from abm.web.access import public, public_without_session
from campaigns import consent
from campaigns.models import Delivery
from campaigns.outside import outside
from campaigns.tracking import Click, preferences_url, read_click, read_open, read_trap, read_unsubscribe
from campaigns.visit_log import visit_log
from campaigns.visits import Seen, Visitor
from core import clock

pages = Blueprint("public", __name__)
_GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_GIF_HEADERS = (("Content-Type", "image/gif"), ("Cache-Control", "no-store, private"),
                ("Cross-Origin-Resource-Policy", "cross-origin"))


@pages.get("/u/<token>")
@public
def ask_unsubscribe(token: str) -> BaseResponse:
    """Asks; changes nothing, whoever fetches it."""
    delivery = delivery_or_404(read_unsubscribe(token))
    say = texts_of(delivery)
    return private(
        render_template(
            "messages/unsubscribe.html",
            say=say,
            bold=bold,
            token=token,
            address=masked(delivery.address, say),
            company=g.company,
            purpose=in_words(consent.purpose_of(g.session, delivery)),
            preferences=path_of(preferences_url(delivery.id)),
        )
    )


@pages.post("/u/<token>")
@public
def unsubscribe(token: str) -> BaseResponse:
    """Ends this purpose, or all mail where that was chosen. Repeating it is harmless; no cookie, no redirect."""
    delivery = delivery_or_404(read_unsubscribe(token))
    is_all_mail, say = request.form.get("scope") == "all", texts_of(delivery)
    source = "one-click" if request.form.get("List-Unsubscribe") == "One-Click" else "page"
    done = consent.unsubscribe(
        g.session,
        delivery_id=delivery.id,
        is_all_mail=is_all_mail,
        source=source,
        evidence=visitor_evidence(),
    )
    return private(
        render_template(
            "messages/unsubscribed.html",
            say=say,
            bold=bold,
            token=token,
            address=masked(delivery.address, say),
            company=g.company,
            purpose=in_words(done.purpose),
            is_all_mail=is_all_mail,
            preferences=path_of(preferences_url(delivery.id)),
        )
    )


@pages.route("/c/<token>")
@public_without_session
def follow(token: str) -> BaseResponse:
    """To the link's target, which the token itself holds signed; counting must never stand in the way."""
    click = read_click(token)
    if click is None:
        abort(404)
    if request.method == "GET":
        visit_log.put(_visited("click", click.delivery_id, click))
    response = redirect(click.url, 302)
    response.data = b""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@pages.route("/t/<token>")
@public_without_session
def trap(token: str) -> BaseResponse:
    """The hidden link: whoever follows it is a program, and is shown nothing."""
    delivery_id = read_trap(token)
    if delivery_id is None:
        abort(404)
    if request.method == "GET":
        visit_log.put(_visited("trap", delivery_id))
    response = Response(status=204)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@pages.route("/o/<token>.gif")
@public_without_session
def pixel(token: str) -> BaseResponse:
    delivery_id = read_open(token)
    if delivery_id is None:
        abort(404)
    if request.method == "GET":
        visit_log.put(_visited("open", delivery_id))
    return Response(_GIF, headers=_GIF_HEADERS)


def delivery_or_404(delivery_id: int | None) -> Delivery:
    """The delivery of a genuine token; 404 for any other."""
    found: Delivery | None = g.session.get(Delivery, delivery_id) if delivery_id is not None else None
    if found is None:
        abort(404)
    return found


def visitor_evidence() -> dict[str, str]:
    """Who acted, for the consent log."""
    return {"ip": request.remote_addr or "", "agent": request.user_agent.string[:300]}


def path_of(url: str) -> str:
    """The path of one of our own addresses: a page links to itself wherever it is served."""
    return urlsplit(url).path


def _visited(kind: str, delivery_id: int, click: Click | None = None) -> Seen:
    agent = request.headers.get("User-Agent", "")
    return Seen(kind, delivery_id, Visitor(agent, request.remote_addr or "", clock.now()), click)


def texts_of(delivery: Delivery) -> Texts:
    """The language of whoever got this message."""
    known = outside().people.recipients(g.session, [delivery.contact_id]).get(delivery.contact_id)
    return texts_for([known.language if known else None, delivery.language, *request.accept_languages.values()])


def bold(value: str) -> Markup:
    return Markup("<strong>{}</strong>").format(value)


def masked(address: str | None, say: Texts = Texts()) -> str:
    """`j•••@e•••.com`: enough for the owner to recognise, too little for who was forwarded the mail."""
    local, at_sign, domain = (address or "").rpartition("@")
    if not at_sign:
        return say.plain("your address")
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••{dot}{ending}"


def in_words(purpose: str) -> str:
    """A purpose as people read it."""
    return purpose.replace("-", " ").replace("_", " ")


def private(page: str) -> BaseResponse:
    """A page that nobody keeps, indexes or learns of by a referrer."""
    response: Any = make_response(page)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response  # type: ignore[no-any-return]
