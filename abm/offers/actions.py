"""Changing offers. Granting is in `granting`, redeeming in `redeeming`."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.offers.forms import OfferValues
from abm.offers.granting import grant_offers
from abm.offers.models import Offer
from abm.offers.queries import get_offer
from core import clock
from core.errors import InvalidInput

__all__ = ["create_offer", "edit_offer", "grant_offers", "set_offer_active"]


def create_offer(session: Session, *, values: OfferValues) -> Offer:
    """A new offer. Raises InvalidInput when its name is taken."""
    if session.scalar(select(Offer.id).where(Offer.name == values.name)):
        raise InvalidInput("The name is taken", {"name": f"There is an offer called {values.name} already."})
    offer = Offer(**asdict(values), created_at=clock.now())
    session.add(offer)
    session.flush()
    record(session, action="offer.create", subject="offer", subject_id=offer.id, after=_plain(values))
    return offer


def edit_offer(session: Session, *, offer_id: int, values: OfferValues) -> Offer:
    """Change an offer; codes already given keep the last day they were given with.

    Raises InvalidInput when the limit would lie below what was granted, or when campaigns know it by its name.
    """
    offer = get_offer(session, offer_id, for_update=True)
    errors = {}
    if values.limit_count is not None and values.limit_count < offer.granted_count:
        errors["limit_count"] = f"{offer.granted_count} codes are given already: the limit cannot be lower."
    if values.name != offer.name and offer.granted_count:
        errors["name"] = f"Codes were given under the name {offer.name}: campaigns know it by that name."
    elif session.scalar(select(Offer.id).where(Offer.name == values.name, Offer.id != offer.id)):
        errors["name"] = f"There is an offer called {values.name} already."
    if errors:
        raise InvalidInput("The offer cannot be changed like this", errors)
    before = {name: str(getattr(offer, name)) for name in asdict(values)}
    for name, value in asdict(values).items():
        setattr(offer, name, value)
    record(session, action="offer.edit", subject="offer", subject_id=offer.id, before=before, after=_plain(values))
    return offer


def set_offer_active(session: Session, *, offer_id: int, is_active: bool) -> Offer:
    """Switch an offer on or off. Off: nobody is granted it any more; codes already given can still be redeemed."""
    offer = get_offer(session, offer_id)
    offer.is_active = is_active
    record(session, action="offer.switch", subject="offer", subject_id=offer.id, after={"is_active": is_active})
    return offer


def _plain(values: OfferValues) -> dict[str, Any]:
    return {name: str(value) for name, value in asdict(values).items()}
