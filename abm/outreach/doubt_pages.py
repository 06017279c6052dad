"""Messages in doubt: what is known of each, and what a person decides about it."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from sqlalchemy import select

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.doubt import confirm_message, resend_message
from abm.outreach.messages import get_message_history
from abm.outreach.queries import get_campaign
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.models import Attempt, Delivery
from campaigns.resending import list_in_doubt, list_resent
from core.errors import Refused

AFTER_THE_DOT = "The whole message was handed over; no answer came to say whether it was taken."
_COLUMNS = ("message", "contact_id", "email", "step", "tried_at", "phase", "code", "answer", "message_id")


@pages.get("/campaigns/<int:campaign_id>/in-doubt")
@requires(Permission.SEE)
def in_doubt(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return render_template("outreach/in_doubt.html", rows=_rows(list_in_doubt(g.session, campaign_id)),
                           resent=_with_next(list_resent(g.session, campaign_id)), after_the_dot=AFTER_THE_DOT,
                           **campaign_frame(campaign))


@exports(pages, "/campaigns/<int:campaign_id>/in-doubt")
def export_in_doubt(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    rows = ((row.id, contact.external_id if contact else "", row.address, row.step, row.first_tried_at,
             last.phase if last else "", last.code if last else None, last.text if last else "", row.message_id)
            for row, contact, _account, last in _rows(list_in_doubt(g.session, campaign_id, limit=100_000)))
    return Table(f"{campaign.name}-in-doubt", columns=_COLUMNS, rows=rows)


def _rows(found: Sequence[Delivery]) -> list[tuple[Delivery, Contact | None, Account | None, Attempt | None]]:
    """Each with its person, account and last try."""
    ids = [row.id for row in found]
    people = {row.id: row for row in g.session.scalars(
        select(Contact).where(Contact.id.in_({row.contact_id for row in found})))}
    accounts = {row.id: row for row in g.session.scalars(
        select(Account).where(Account.id.in_({row.account_id for row in found})))}
    tries = {row.delivery_id: row for row in g.session.scalars(
        select(Attempt).where(Attempt.delivery_id.in_(ids)).order_by(Attempt.id))}
    return [(row, people.get(row.contact_id), accounts.get(row.account_id), tries.get(row.id)) for row in found]


def _with_next(found: Sequence[tuple[Delivery, Delivery | None]]) -> list[tuple[Any, Delivery | None]]:
    """As `_rows`, each with the message that was sent after it."""
    after = {first.id: second for first, second in found}
    return [(row, after[row[0].id]) for row in _rows([first for first, _second in found])]


@pages.post("/campaigns/<int:campaign_id>/messages/<int:delivery_id>/resend")
@requires(Permission.LAUNCH_CAMPAIGNS)
def resend(campaign_id: int, delivery_id: int) -> Answer:
    return _decide(campaign_id, delivery_id, resend_message, "It is sent again, as a message of its own")


@pages.post("/campaigns/<int:campaign_id>/messages/<int:delivery_id>/arrived")
@requires(Permission.LAUNCH_CAMPAIGNS)
def arrived(campaign_id: int, delivery_id: int) -> Answer:
    return _decide(campaign_id, delivery_id, confirm_message, "It counts as sent")


def _decide(campaign_id: int, delivery_id: int, decide: Callable[..., Any], said: str) -> Answer:
    get_message_history(g.session, campaign_id=campaign_id, delivery_id=delivery_id)  # NotFound for another campaign's
    try:
        decide(g.session, delivery_id=delivery_id)
        flash(said, "success")
    except Refused as error:
        g.session.rollback()
        flash(str(error), "error")
    return redirect(url_for("outreach.in_doubt", campaign_id=campaign_id))
