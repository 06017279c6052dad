"""The people of a campaign: every intended message with its state and reason, and the history behind each."""

from flask import g, render_template, request

from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.empty_places import find_empty_place
from abm.outreach.launching import EXPORT_COLUMNS, stream_export_rows
from abm.outreach.messages import (
    MessageFilter,
    count_messages,
    get_message_history,
    get_person_in_campaign,
    list_messages,
    select_messages,
)
from abm.outreach.queries import BOOKS, get_campaign
from abm.outreach.reasons import explain_reason
from abm.outreach.step_words import KIND_ICONS
from abm.outreach.waiting import explain_messages
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.tally import tally_messages


@pages.get("/campaigns/<int:campaign_id>/people")
@requires(Permission.SEE)
def messages(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    wanted = _wanted()
    after = request.args.get("after", 0, type=int)
    tally = tally_messages(g.session, campaign_id)
    found = list_messages(g.session, tally, wanted, after=after)
    return render_template(
        "outreach/messages.html", found=found, wanted=wanted, books=BOOKS, kind_icons=KIND_ICONS,
        explain_reason=explain_reason, why=explain_messages(g.session, [row[0] for row in found.rows]),
        count=count_messages(g.session, tally, wanted), reasons=tally.by_reason(of_sent=True),
        steps=[step["id"] for step in campaign.definition["steps"]],
        **campaign_frame(campaign))


@pages.get("/campaigns/<int:campaign_id>/messages/<int:delivery_id>")
@requires(Permission.SEE)
def message(campaign_id: int, delivery_id: int) -> Answer:
    history = get_message_history(g.session, campaign_id=campaign_id, delivery_id=delivery_id)
    return render_template("outreach/message.html", history=history,
                           why=explain_messages(g.session, [history.delivery]))


@pages.get("/campaigns/<int:campaign_id>/people/<int:contact_id>")
@requires(Permission.SEE)
def person(campaign_id: int, contact_id: int) -> Answer:
    """Why this person was, or was not, written to."""
    found = get_person_in_campaign(g.session, campaign_id=campaign_id, contact_id=contact_id)
    return render_template("outreach/person.html", found=found,
                           empty=find_empty_place(g.session, campaign_id, contact_id),
                           campaign=get_campaign(g.session, campaign_id), explain_reason=explain_reason,
                           why=explain_messages(g.session, found.deliveries))


@exports(pages, "/campaigns/<int:campaign_id>/messages")
def export(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    return Table(f"{campaign.name}-messages", columns=EXPORT_COLUMNS,
                 rows=stream_export_rows(g.session, campaign=campaign, only=select_messages(campaign_id, _wanted())))


def _wanted() -> MessageFilter:
    return MessageFilter(**{name: request.args.get(name, "") for name in ("book", "reason", "step", "words", "state")})
