"""Why not: the gate's rules about one person, and touches logged by hand."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.contacts.queries import get_contact
from abm.outreach.blueprint import Answer, pages
from abm.outreach.why_not import CHANNELS, explain_person, log_touch
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.models import Touch


@pages.get("/people/<int:contact_id>/why-not")
@requires(Permission.SEE)
def why_not(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    channel = request.args.get("channel", "email")
    channel = channel if channel in CHANNELS else "email"
    purpose = request.args.get("purpose", "").strip() or "marketing"
    return render_template(
        "outreach/why_not.html", contact=contact, channel=channel, channels=CHANNELS, purpose=purpose,
        found=explain_person(g.session, contact=contact, channel=channel, purpose=purpose))


@exports(pages, "/people/<int:contact_id>/messages")
def export_person_messages(contact_id: int) -> Table:
    contact = get_contact(g.session, contact_id)
    found = explain_person(g.session, contact=contact, channel="email", purpose="marketing")
    rows = ((campaign.name, row.step, row.channel, row.state, row.reason, found.why[row.id].detail, row.due_at,
             row.sent_at)
            for row, campaign in found.messages)
    return Table("messages-of-person", rows=rows, columns=(
        "campaign", "step", "channel", "state", "reason", "detail", "due_at", "sent_at"))


@pages.post("/people/<int:contact_id>/touches")
@requires(Permission.WORK)
def save_touch(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    channel = request.form.get("channel", "")
    if channel not in CHANNELS:
        flash("Choose how you were in touch", "error")
        return redirect(url_for("outreach.why_not", contact_id=contact_id))
    touch, verdict = log_touch(g.session, contact=contact, channel=channel, note=request.form.get("note", "").strip())
    flash(_said(touch, "" if verdict.is_allowed else verdict.detail), "success" if verdict.is_allowed else "warning")
    return redirect(url_for("outreach.why_not", contact_id=contact_id, channel=channel))


def _said(touch: Touch, objection: str) -> str:
    kept = f"Kept: {touch.points} point{'s' if touch.points != 1 else ''} of the account's budget"
    return f"{kept}. The gate would have said no: {objection}" if objection else kept
