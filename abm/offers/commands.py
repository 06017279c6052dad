"""`abm offers`: what may be promised to win somebody back, and what was taken up."""

from decimal import Decimal
from typing import Any

import click

from abm.company.queries import company_today, get_company
from abm.offers.actions import create_offer
from abm.offers.forms import parse_offer
from abm.offers.kinds import CAUSES, KINDS
from abm.offers.models import Offer
from abm.offers.queries import list_offers
from abm.offers.redeeming import redeem_code
from abm.web.terminal import answer
from core import db
from core.errors import InvalidInput


@click.group()
def offers() -> None:
    """Offers: make one, list them, redeem a code."""


@offers.command()
@click.argument("name")
@click.option("--title", required=True, help="What recipients read.")
@click.option("--kind", required=True, type=click.Choice(sorted(KINDS)))
@click.option("--until", "valid_until", required=True, help="The last day, such as 2027-01-31.")
@click.option("--from", "valid_from", default="", help="The first day; left out: today.")
@click.option("--cost", "cost_amount", default="0", show_default=True, help="What one redemption costs us.")
@click.option("--limit", "limit_count", default="", help="How many accounts may get it; left out: any number.")
@click.option("--cause", default="", type=click.Choice(["", *sorted(CAUSES)]), help="The loss that it answers.")
@click.option("--terms", default="")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def create(name: str, as_json: bool, **typed: str) -> None:
    """Make an offer that campaigns may promise by its NAME."""
    with db.transaction() as session:
        typed["valid_from"] = typed["valid_from"] or company_today(session).isoformat()
        try:
            values = parse_offer({"name": name, "rung": "", **typed}, currency=get_company(session).currency)
            offer = create_offer(session, values=values)
        except InvalidInput as error:
            raise InvalidInput(_sentence(error), error.fields) from error
        made = _shown(offer)
    answer(made, as_json=as_json, text=f"{name}: created, valid until {made['valid_until']}")


@offers.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(as_json: bool) -> None:
    """Every offer with what was given and taken up."""
    with db.reading() as session:
        rows = [_shown(offer) for offer in list_offers(session)]
    lines = [f"{row['name']:24} {row['kind']:12} until {row['valid_until']}  given {row['granted']:>5}  "
             f"taken up {row['redeemed']:>5}  {row['title']}" for row in rows]
    answer({"offers": rows}, as_json=as_json, text="\n".join(lines) or "No offer yet: abm offers create NAME")


@offers.command()
@click.argument("code")
@click.argument("order_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def redeem(code: str, order_id: str, as_json: bool) -> None:
    """Take up the offer behind CODE with the order ORDER_ID; each code once."""
    with db.transaction() as session:
        try:
            taken = redeem_code(session, code=code, order_number=order_id)
        except InvalidInput as error:
            raise InvalidInput(_sentence(error), error.fields) from error
        found = {"code": code, "order_id": order_id, "redeemed_at": taken.redeemed_at}
    answer(found, as_json=as_json, text=f"{code} is redeemed with order {order_id}")


def _sentence(error: InvalidInput) -> str:
    return f"{error}: {' '.join(error.fields.values())}"


def _shown(offer: Offer) -> dict[str, Any]:
    return {
        "name": offer.name, "title": offer.title, "kind": offer.kind, "cause": offer.cause, "rung": offer.rung,
        "cost": Decimal(offer.cost_amount), "currency": offer.currency, "limit": offer.limit_count,
        "valid_from": offer.valid_from, "valid_until": offer.valid_until, "is_active": offer.is_active,
        "granted": offer.granted_count, "redeemed": offer.redeemed_count,
    }
