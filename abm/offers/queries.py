"""Reading offers, their grants and redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.offers.kinds import fits
from abm.offers.models import Offer, OfferGrant, Redemption
from abm.orders.models import Order
from core.errors import NotFound

Grants = Sequence[Row[OfferGrant, Account, Redemption, Order]]


def get_offer(session: Session, offer_id: int, *, for_update: bool = False) -> Offer:
    offer = session.get(Offer, offer_id, with_for_update=for_update or None)
    if offer is None:
        raise NotFound("There is no such offer")
    return offer


def list_offers(session: Session, *, on_day: date | None = None) -> list[Offer]:
    """Offers by rung, then title. `on_day`: only those that may be promised on that day."""
    query = select(Offer).order_by(Offer.rung, Offer.title, Offer.id)
    if on_day is not None:
        query = query.where(Offer.is_active, Offer.valid_from <= on_day, Offer.valid_until >= on_day)
    return list(session.scalars(query))


def list_fitting_offers(session: Session, *, cause: str | None, on_day: date) -> list[Offer]:
    """Offers that may be promised on the day, fit the cause and are not used up; the lowest rung first."""
    return [
        offer for offer in list_offers(session, on_day=on_day)
        if fits(offer_cause=offer.cause, case_cause=cause)
        and (offer.limit_count is None or offer.granted_count < offer.limit_count)
    ]


def list_grants(session: Session, offer_id: int, *, limit: int | None = None) -> Grants:
    """Rows (grant, account, redemption or None, order or None), the newest grant first."""
    query = (
        select(OfferGrant, Account, Redemption, Order)
        .join(Account, Account.id == OfferGrant.account_id)
        .outerjoin(Redemption, Redemption.grant_id == OfferGrant.id)
        .outerjoin(Order, Order.id == Redemption.order_id)
        .where(OfferGrant.offer_id == offer_id)
        .order_by(OfferGrant.id.desc()).limit(limit)
    )
    return session.execute(query).all()


def list_account_grants(session: Session, account_id: int) -> Sequence[Row[OfferGrant, Offer, Redemption]]:
    """Rows (grant, offer, redemption or None) of an account, the newest first."""
    return session.execute(
        select(OfferGrant, Offer, Redemption)
        .join(Offer, Offer.id == OfferGrant.offer_id)
        .outerjoin(Redemption, Redemption.grant_id == OfferGrant.id)
        .where(OfferGrant.account_id == account_id).order_by(OfferGrant.id.desc())
    ).all()


def find_grant(session: Session, *, offer_id: int, account_id: int) -> OfferGrant | None:
    return session.scalar(
        select(OfferGrant).where(OfferGrant.offer_id == offer_id, OfferGrant.account_id == account_id))


@dataclass(frozen=True, slots=True)
class OrderValue:
    """What the orders that redeemed an offer are worth, per currency."""

    offer_id: int
    currency: str
    orders: int
    amount: Any


def list_order_values(session: Session, *, offer_id: int | None = None) -> list[OrderValue]:
    """The value of the orders behind redemptions, per offer and currency."""
    query = (
        select(Redemption.offer_id, Order.currency, func.count(), func.sum(Order.amount))
        .join(Order, Order.id == Redemption.order_id)
        .group_by(Redemption.offer_id, Order.currency).order_by(Redemption.offer_id, Order.currency)
    )
    if offer_id is not None:
        query = query.where(Redemption.offer_id == offer_id)
    return [OrderValue(*row) for row in session.execute(query)]


def list_redeemed(session: Session, campaign_id: int) -> list[tuple[str, int, Decimal]]:
    """(title, redemptions with an order that counts, what each cost) of the offers that this campaign promised first.
    Of offers in the company's own currency: there are no rates."""
    rows = session.execute(
        select(Offer.title, func.count(), Offer.cost_amount)
        .join(OfferGrant, OfferGrant.offer_id == Offer.id).join(Redemption, Redemption.grant_id == OfferGrant.id)
        .join(Order, Order.id == Redemption.order_id)
        .where(OfferGrant.campaign_id == campaign_id, Order.is_cancelled.is_(False),
               Offer.currency == get_company(session).currency)
        .group_by(Offer.id, Offer.title, Offer.cost_amount).order_by(Offer.title, Offer.id))
    return [(title, count, each) for title, count, each in rows]
