"""Giving an offer to accounts: one code each, the limit kept exactly whatever the number of workers."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from abm.company.queries import company_today
from abm.offers.codes import make_code
from abm.offers.models import Offer, OfferGrant
from core import clock

IN_ONE_QUERY = 1_000


def grant_offers(session: Session, *, offer_name: str, recipients: Sequence[tuple[int, int]],
                 campaign_id: int | None = None) -> dict[int, dict[str, Any]]:
    """The values code, title, valid_until and terms by contact id, for pairs (contact_id, account_id).

    Every account has one code, whoever of it is asked about and however often. Missing in the answer: the offer
    is unknown, switched off, outside its validity, or its limit is used up. Needs a writing transaction: the
    offer's row stays locked until it ends, so that the limit holds across workers. Contact 0: nobody in particular.
    `campaign_id`: who bears the cost where a new code is redeemed.
    """
    offer = session.scalar(select(Offer).where(Offer.name == offer_name))
    if offer is None or not is_on_offer(offer, company_today(session)):
        return {}
    first_contact = {account_id: contact_id for contact_id, account_id in reversed(recipients)}
    codes = _codes(session, offer, list(first_contact))
    missing = {account_id: first_contact[account_id] for account_id in sorted(first_contact.keys() - codes.keys())}
    if missing:
        codes |= _grant_missing(session, offer, missing, campaign_id)
    return {
        contact_id: {"code": codes[account_id], "title": offer.title, "valid_until": offer.valid_until,
                     "terms": offer.terms or None}
        for contact_id, account_id in recipients if account_id in codes
    }


def is_on_offer(offer: Offer, day: date) -> bool:
    """Whether the offer may be promised on that day; its limit is looked at when it is granted."""
    return offer.is_active and offer.valid_from <= day <= offer.valid_until


def _codes(session: Session, offer: Offer, account_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(account_ids), IN_ONE_QUERY):
        chosen: ColumnElement[bool] = OfferGrant.account_id.in_(account_ids[start:start + IN_ONE_QUERY])
        rows = session.execute(select(OfferGrant.account_id, OfferGrant.code)
                               .where(OfferGrant.offer_id == offer.id, chosen))
        found |= {account_id: code for account_id, code in rows}
    return found


def _grant_missing(session: Session, offer: Offer, missing: Mapping[int, int],
                   campaign_id: int | None) -> dict[int, str]:
    """Take the offer's row first: from then on nobody else can count or grant it until this transaction ends."""
    room = _lock_and_count_room(session, offer.id)
    codes = _codes(session, offer, list(missing))
    fresh = [account_id for account_id in missing if account_id not in codes]
    chosen = fresh if room is None else fresh[:max(room, 0)]
    if chosen and _take(session, offer.id, len(chosen)):
        moment = clock.now()
        grants = [OfferGrant(offer_id=offer.id, account_id=account_id, contact_id=missing[account_id] or None,
                             code=make_code(), granted_at=moment, expires_on=offer.valid_until,
                             campaign_id=campaign_id)
                  for account_id in chosen]
        session.add_all(grants)
        session.flush()
        session.expire(offer, ["granted_count"])
        codes |= {grant.account_id: grant.code for grant in grants}
    return codes


def _lock_and_count_room(session: Session, offer_id: int) -> int | None:
    """How many more may be granted; None without a limit. An update changing nothing is a lock on both databases."""
    limit, granted = session.connection().execute(
        update(Offer).where(Offer.id == offer_id).values(granted_count=Offer.granted_count)
        .returning(Offer.limit_count, Offer.granted_count)).one()
    return None if limit is None else limit - granted


def _take(session: Session, offer_id: int, count: int) -> bool:
    """Count `count` grants in, only as far as the limit allows: the guard stands in the statement itself."""
    room = or_(Offer.limit_count.is_(None), Offer.granted_count + count <= Offer.limit_count)
    taken = session.connection().execute(
        update(Offer).where(Offer.id == offer_id, room).values(granted_count=Offer.granted_count + count))
    return bool(taken.rowcount)
