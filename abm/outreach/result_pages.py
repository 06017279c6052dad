"""What a campaign brought, live while it runs."""

import time
from typing import Any

from flask import g, render_template, request

from abm.outreach import account_results
from abm.outreach.account_results import get_unit_costs, list_account_results, stream_account_results
from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.empty_places import find_empty_places
from abm.outreach.launching import get_status
from abm.outreach.queries import BOOKS, get_campaign
from abm.outreach.reasons import explain_reason
from abm.outreach.results import count_people_under_way, list_link_clicks, list_step_results
from abm.outreach.step_words import KIND_ICONS
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.books import keep_books
from campaigns.costs import read_costs
from campaigns.models import Campaign
from campaigns.reports import count_orders
from campaigns.states import CampaignState
from campaigns.tally import tally_messages

ASK_EVERY, PAUSE_PER_COUNT = 2, 20  # seconds, and times as long as the counting took
BOOK_WORDS = {"sent": "Sent", "suppressed": "Left out", "failed": "Failed", "unknown": "In doubt", "queued": "Waiting"}


@pages.get("/campaigns/<int:campaign_id>/results")
@requires(Permission.SEE)
def results(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    return render_template("outreach/results.html", empty=find_empty_places(g.session, campaign_id),
                           links=list_link_clicks(g.session, campaign_id), **_numbers(campaign),
                           **campaign_frame(campaign))


@pages.get("/campaigns/<int:campaign_id>/results/numbers")
@requires(Permission.SEE)
def result_numbers(campaign_id: int) -> Answer:
    """The part of the page that changes while the campaign runs; asks for itself again until it has ended."""
    campaign = get_campaign(g.session, campaign_id)
    return render_template("outreach/_numbers.html", campaign=campaign, **_numbers(campaign))


@pages.get("/campaigns/<int:campaign_id>/results/cost")
@requires(Permission.SEE)
def cost(campaign_id: int) -> Answer:
    """What the cost is made of, and what it comes to for a contact, a response and a win."""
    campaign = get_campaign(g.session, campaign_id)
    tally = tally_messages(g.session, campaign.id)
    costs = get_unit_costs(g.session, tally, orders=count_orders(g.session, campaign.id))
    return render_template("outreach/why_cost.html", campaign=campaign, costs=costs)


@pages.get("/campaigns/<int:campaign_id>/results/accounts")
@requires(Permission.SEE)
def account_rows(campaign_id: int) -> Answer:
    """Account by account, who answered and ordered most first."""
    campaign, offset = get_campaign(g.session, campaign_id), max(0, request.args.get("offset", 0, type=int))
    rows = list_account_results(g.session, campaign_id, offset=offset)
    return render_template("outreach/account_results.html", rows=rows[:account_results.PAGE], offset=offset,
                           has_more=len(rows) > account_results.PAGE, page=account_results.PAGE,
                           **campaign_frame(campaign))


@exports(pages, "/campaigns/<int:campaign_id>/account-results")
def export_accounts(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    return Table(f"{campaign.name}-accounts", columns=account_results.COLUMNS,
                 rows=stream_account_results(g.session, campaign_id))


@exports(pages, "/campaigns/<int:campaign_id>/steps")
def export_steps(campaign_id: int) -> Table:
    campaign, kinds = get_campaign(g.session, campaign_id), ("open", "click", "reply")
    found = list_step_results(g.session, tally_messages(g.session, campaign_id))
    rows = ((row.step, row.channel, sum(row.books.values()), *(row.books.get(book, 0) for book in BOOKS),
             *(row.events.get(kind, 0) for kind in kinds)) for row in found)
    return Table(f"{campaign.name}-steps", columns=("step", "channel", "planned", *BOOKS, *kinds), rows=rows)


@exports(pages, "/campaigns/<int:campaign_id>/books")
def export_books(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    rows = ((line.book, line.state, line.reason, explain_reason(line.reason) if line.reason else "", line.messages,
             line.people) for line in keep_books(g.session, tally_messages(g.session, campaign_id)).lines)
    return Table(f"{campaign.name}-books", columns=("book", "state", "reason", "in_words", "messages", "people"),
                 rows=rows)


@exports(pages, "/campaigns/<int:campaign_id>/reasons")
def export_reasons(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    reasons = tally_messages(g.session, campaign_id).by_reason(of_sent=True)
    rows = ((reason, explain_reason(reason), count) for reason, count in reasons.items())
    return Table(f"{campaign.name}-reasons", columns=("reason", "in_words", "messages"), rows=rows)


@exports(pages, "/campaigns/<int:campaign_id>/links")
def export_links(campaign_id: int) -> Table:
    campaign = get_campaign(g.session, campaign_id)
    return Table(f"{campaign.name}-links", columns=("link", "people", "machine_clicks"),
                 rows=list_link_clicks(g.session, campaign_id))


def _numbers(campaign: Campaign) -> dict[str, Any]:
    began = time.monotonic()
    tally = tally_messages(g.session, campaign.id)
    costs = read_costs(g.session, tally)
    status = get_status(g.session, campaign=campaign, tally=tally, costs=costs)
    numbers = {"status": status,
               "costs": get_unit_costs(g.session, tally, orders=status["orders"], costs=costs),
               "steps": list_step_results(g.session, tally), "books": BOOKS, "book_words": BOOK_WORDS,
               "people": count_people_under_way(g.session, campaign.id), "kept": keep_books(g.session, tally),
               "kind_icons": KIND_ICONS, "explain_reason": explain_reason}
    return {**numbers, "asks_again_after": seconds_until_next(campaign, time.monotonic() - began)}


def seconds_until_next(campaign: Campaign, spent: float) -> int:
    """0: the page need not ask again. Who counts a million messages does so less often."""
    return max(ASK_EVERY, round(spent * PAUSE_PER_COUNT)) if campaign.state == CampaignState.RUNNING else 0
