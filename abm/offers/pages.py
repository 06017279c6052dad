"""Offers: the ladder, one offer with its codes, and redeeming a code."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answered

from abm.company.queries import company_today
from abm.offers import actions, panels
from abm.offers.forms import parse_offer
from abm.offers.granting import is_on_offer
from abm.offers.kinds import CAUSES, KINDS, RUNGS
from abm.offers.queries import get_offer, list_grants, list_offers, list_order_values
from abm.offers.redeeming import redeem_code
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput

__all__ = ["pages", "panels"]

pages = Blueprint("offers", __name__)
Answer = str | Answered | tuple[str, int]
SHOWN_GRANTS = 200


@pages.get("/offers")
@requires(Permission.SEE)
def index() -> Answer:
    today = company_today(g.session)
    offers = list_offers(g.session, on_day=None if request.args.get("show") == "all" else today)
    values: dict[int, list[Any]] = {}
    for row in list_order_values(g.session):
        values.setdefault(row.offer_id, []).append(row)
    return render_template("offers/index.html", offers=offers, values=values, rungs=RUNGS, kinds=KINDS, causes=CAUSES,
                           shows_all=request.args.get("show") == "all",
                           on={offer.id for offer in offers if is_on_offer(offer, today)})


@exports(pages, "/offers/export")
def export_offers() -> Table:
    day = None if request.args.get("show") == "all" else company_today(g.session)
    columns = ("name", "title", "kind", "rung", "cause", "cost_amount", "currency", "limit_count", "granted_count",
               "redeemed_count", "valid_from", "valid_until", "is_active")
    offers = list_offers(g.session, on_day=day)
    return Table("offers", columns=columns, rows=([getattr(offer, name) for name in columns] for offer in offers))


@pages.get("/offers/new")
@requires(Permission.EDIT_OFFERS)
def new() -> Answer:
    return _form({"valid_from": company_today(g.session)}, {})


@pages.post("/offers")
@requires(Permission.EDIT_OFFERS)
def create() -> Answer:
    try:
        values = parse_offer(request.form, currency=g.company.currency)
        offer = actions.create_offer(g.session, values=values)
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    flash(f"Campaigns can promise it now: offer: {offer.name}", "success")
    return redirect(url_for("offers.show", offer_id=offer.id))


@pages.get("/offers/<int:offer_id>")
@requires(Permission.SEE)
def show(offer_id: int) -> Answer:
    offer = get_offer(g.session, offer_id)
    return render_template(
        "offers/show.html", offer=offer, grants=list_grants(g.session, offer_id, limit=SHOWN_GRANTS), kinds=KINDS,
        causes=CAUSES, rungs=RUNGS, values=list_order_values(g.session, offer_id=offer_id), most=SHOWN_GRANTS,
        is_on=is_on_offer(offer, company_today(g.session)))


@exports(pages, "/offers/<int:offer_id>/codes")
def export(offer_id: int) -> Table:
    offer = get_offer(g.session, offer_id)
    rows = ((account.external_id, account.name, grant.code, grant.granted_at, grant.expires_on,
             redemption and redemption.redeemed_at, order and order.external_id, order and order.amount,
             order and order.currency) for grant, account, redemption, order in list_grants(g.session, offer_id))
    return Table(f"codes-{offer.name}", rows=rows, columns=(
        "account_id", "account", "code", "granted_at", "expires_on", "redeemed_at", "order_id", "order_amount",
        "order_currency"))


@pages.get("/offers/<int:offer_id>/edit")
@requires(Permission.EDIT_OFFERS)
def edit(offer_id: int) -> Answer:
    offer = get_offer(g.session, offer_id)
    typed = {name: getattr(offer, name) for name in (
        "name", "title", "kind", "terms", "cause", "rung", "limit_count", "valid_from", "valid_until")}
    return _form({**typed, "cost_amount": f"{offer.cost_amount:f}"}, {}, offer_id)


@pages.post("/offers/<int:offer_id>")
@requires(Permission.EDIT_OFFERS)
def save(offer_id: int) -> Answer:
    offer = get_offer(g.session, offer_id)
    try:
        actions.edit_offer(g.session, offer_id=offer_id, values=parse_offer(request.form, currency=offer.currency))
    except InvalidInput as error:
        return _form(request.form, error.fields, offer_id), 422
    flash("Saved", "success")
    return redirect(url_for("offers.show", offer_id=offer_id))


@pages.post("/offers/<int:offer_id>/active")
@requires(Permission.EDIT_OFFERS)
def switch(offer_id: int) -> Answer:
    offer = actions.set_offer_active(g.session, offer_id=offer_id, is_active=request.form.get("is_active") == "yes")
    flash("It can be promised again" if offer.is_active else
          "It is promised to nobody from now on; codes already given can still be redeemed", "success")
    return redirect(url_for("offers.show", offer_id=offer_id))


@pages.get("/offers/redeem")
@requires(Permission.REDEEM_OFFERS)
def redeem() -> Answer:
    return render_template("offers/redeem.html", typed=request.args, errors={})


@pages.post("/offers/redeem")
@requires(Permission.REDEEM_OFFERS)
def save_redemption() -> Answer:
    try:
        redemption = redeem_code(g.session, code=request.form.get("code", ""),
                                 order_number=request.form.get("order_number", ""))
    except InvalidInput as error:
        return render_template("offers/redeem.html", typed=request.form, errors=error.fields), 422
    flash("Redeemed", "success")
    return redirect(url_for("offers.show", offer_id=redemption.offer_id))


def _form(typed: Mapping[str, Any], errors: Mapping[str, str], offer_id: int | None = None) -> str:
    return render_template("offers/form.html", typed=typed, errors=errors, offer_id=offer_id, kinds=KINDS,
                           causes=CAUSES, rungs=RUNGS)
