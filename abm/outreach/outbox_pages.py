"""/outbox: reading what the product would have sent, while messages go to files."""

from flask import Blueprint, Response, render_template, request, send_file
from werkzeug.wrappers import Response as BaseResponse

from abm.outreach.outbox_folder import get_mail, html_for_reading, iterate_mails, list_mails, mail_path
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.settings import settings

pages = Blueprint("outbox", __name__)

# A message is shown as from another origin: its words, styles and pictures, and links that open a tab of their own.
_FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src https: data:; "
    "style-src 'unsafe-inline'; font-src https: data:; frame-ancestors 'self'"
)


@pages.get("/outbox")
@requires(Permission.SEE_OUTBOX)
def index() -> str:
    words = request.args.get("q", "")
    found = list_mails(start=max(request.args.get("start", 0, type=int), 0), words=words)
    return render_template("outreach/outbox.html", found=found, words=words, is_outbox=settings().mail_url == "outbox:")


@exports(pages, "/outbox/-/export", permission=Permission.SEE_OUTBOX)
def export() -> Table:
    rows = ((mail.name, mail.written_at, mail.sender, mail.to, mail.subject)
            for mail in iterate_mails(request.args.get("q", "")))
    return Table("outbox", columns=("file", "written_at", "from", "to", "subject"), rows=rows)


@pages.get("/outbox/<name>")
@requires(Permission.SEE_OUTBOX)
def mail(name: str) -> str:
    return render_template("outreach/outbox_mail.html", mail=get_mail(name))


@pages.get("/outbox/<name>/html")
@requires(Permission.SEE_OUTBOX)
def mail_html(name: str) -> BaseResponse:
    """The HTML part alone, for the sandboxed frame."""
    response = Response(html_for_reading(get_mail(name)), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@pages.get("/outbox/<name>/source")
@requires(Permission.SEE_OUTBOX)
def source(name: str) -> BaseResponse:
    """The file as it is, to be opened in a mail program."""
    return send_file(mail_path(name), mimetype="message/rfc822", as_attachment=True, download_name=name)
