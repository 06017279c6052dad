"""`GET /api/v1/…`: reading by programs."""

from typing import Any

import orjson
from flask import Blueprint, Response, g, request, url_for

from abm.api import reading
from abm.web.api_access import Scope, requires_scope
from abm.web.terminal import plain
from campaigns.books import keep_books
from campaigns.reports import campaign_status, get_campaign_named
from campaigns.tally import tally_messages

pages = Blueprint("api", __name__, url_prefix="/api/v1")


def told(value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value, default=plain), mimetype="application/json")


def _told_page(name: str, found: reading.Told, **kept: str | None) -> Response:
    """Rows with the address of the next page, null on the last one."""
    rows, last = found
    arguments = {**(request.view_args or {}), **{key: value for key, value in kept.items() if value is not None}}
    arguments["limit"] = request.args.get("limit", reading.USUAL_SIZE)
    following = url_for(request.endpoint or "", after=last, **arguments) if last is not None else None
    return told({name: rows, "next": following})


@pages.get("/accounts")
@requires_scope(Scope.READ_ACCOUNTS)
def accounts() -> Response:
    return _told_page("accounts", reading.list_accounts(g.session, reading.read_window(request.args)))


@pages.get("/accounts/<path:external_id>")
@requires_scope(Scope.READ_ACCOUNTS)
def account(external_id: str) -> Response:
    return told(reading.get_account_told(g.session, external_id))


@pages.get("/contacts")
@requires_scope(Scope.READ_CONTACTS)
def contacts() -> Response:
    window, account_id = reading.read_window(request.args, "account_id"), request.args.get("account_id")
    return _told_page("contacts", reading.list_contacts(g.session, window, account_id=account_id),
                      account_id=account_id)


@pages.get("/contacts/<path:external_id>")
@requires_scope(Scope.READ_CONTACTS)
def contact(external_id: str) -> Response:
    return told(reading.get_contact_told(g.session, external_id))


@pages.get("/lists")
@requires_scope(Scope.READ_LISTS)
def lists() -> Response:
    return _told_page("lists", reading.list_lists(g.session, reading.read_window(request.args)))


@pages.get("/lists/<name>/members")
@requires_scope(Scope.READ_LISTS)
def members(name: str) -> Response:
    return _told_page("members", reading.list_members(g.session, name, reading.read_window(request.args)))


@pages.get("/campaigns")
@requires_scope(Scope.READ_CAMPAIGNS)
def campaigns() -> Response:
    return _told_page("campaigns", reading.list_campaigns(g.session, reading.read_window(request.args)))


@pages.get("/campaigns/<name>/status")
@requires_scope(Scope.READ_CAMPAIGNS)
def status(name: str) -> Response:
    return told(campaign_status(g.session, name))


@pages.get("/campaigns/<name>/books")
@requires_scope(Scope.READ_CAMPAIGNS)
def books(name: str) -> Response:
    campaign = get_campaign_named(g.session, name)
    return told({"campaign": name, **keep_books(g.session, tally_messages(g.session, campaign.id)).as_json()})


@pages.get("/campaigns/<name>/messages")
@requires_scope(Scope.READ_CAMPAIGNS)
def messages(name: str) -> Response:
    return _told_page("messages", reading.list_messages(g.session, name, reading.read_window(request.args)))
