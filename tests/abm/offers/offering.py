"""Offers for tests; a test names only what it is about."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from abm.offers.models import Offer
from core import clock

_numbers = count(1)


def make_offer(session: Session, **values: Any) -> Offer:
    """An offer that is on from 2026-01-01 to 2026-12-31 and costs 50 EUR."""
    given: dict[str, Any] = {"name": f"offer-{next(_numbers)}", "title": "Free upgrade", "kind": "upgrade",
                             "cost_amount": Decimal(50), "currency": "EUR", "valid_from": date(2026, 1, 1),
                             "valid_until": date(2026, 12, 31), "created_at": clock.now()}
    offer = Offer(**{**given, **values})
    session.add(offer)
    session.flush()
    return offer
