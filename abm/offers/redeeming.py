"""Taking up an offer with an order, and the reasons why not."""

from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account
from abm.audit.actions import actor, record
from abm.company.queries import get_company
from abm.offers.codes import tidy_code
from abm.offers.models import CodeAlias, Offer, OfferGrant, Redemption
from abm.orders.models import Order
from core import clock
from core.db import is_postgres
from core.errors import InvalidInput


def redeem_code(session: Session, *, code: str, order_number: str) -> Redemption:
    """Redeem the code against the order (its source system's number); each code once.

    Raises InvalidInput with a sentence beside `code` or `order_number` and changes nothing when the code is unknown,
    expired on the order's day or used, or when the order is unknown, not counted, another account's or older than
    the code.
    """
    grant = _find_grant(session, code)
    order = _find_order(session, order_number)
    _check_order(session, grant, order)
    redemption_id = _redeem_once(session, grant, order)
    if redemption_id is None:
        raise _refusal("code", _used_sentence(session, grant))
    session.execute(update(Offer).where(Offer.id == grant.offer_id)
                    .values(redeemed_count=Offer.redeemed_count + 1))
    add_account_event(session, account_id=grant.account_id, contact_id=grant.contact_id, kind="redemption",
                      title=f"Redeemed {grant.code} with order {order.external_id}", link=f"/offers/{grant.offer_id}")
    record(session, action="offer.redeem", subject="offer", subject_id=grant.offer_id,
           after={"code": grant.code, "order": order.external_id})
    return session.get_one(Redemption, redemption_id)


def _refusal(field: str, sentence: str) -> InvalidInput:
    return InvalidInput("The code was not redeemed", {field: sentence})


def _find_grant(session: Session, code: str) -> OfferGrant:
    if not code.strip():
        raise _refusal("code", "Type the code of the offer.")
    stands_for = select(CodeAlias.grant_id).where(CodeAlias.code == tidy_code(code))
    grant = session.scalar(select(OfferGrant).where(
        (OfferGrant.code == tidy_code(code)) | OfferGrant.id.in_(stands_for)))
    if grant is None:
        raise _refusal("code", "Nobody was given this code: compare it with the message, letter by letter.")
    return grant


def _find_order(session: Session, number: str) -> Order:
    if not number.strip():
        raise _refusal("order_number", "Type the number of the order.")
    order = session.scalar(select(Order).where(Order.external_id == number.strip()))
    if order is None:
        raise _refusal("order_number", "There is no order with this number: import or enter it first.")
    return order


def _check_order(session: Session, grant: OfferGrant, order: Order) -> None:
    given_on = grant.granted_at.astimezone(ZoneInfo(get_company(session).timezone)).date()
    if order.account_id != grant.account_id:
        given_to, ordered_by = (session.get_one(Account, row.account_id).name for row in (grant, order))
        raise _refusal("order_number", f"The code was given to {given_to}, but this order is of {ordered_by}.")
    if session.scalar(select(Redemption.id).where(Redemption.grant_id == grant.id)):
        raise _refusal("code", _used_sentence(session, grant))
    if order.is_cancelled or order.amount <= 0:
        raise _refusal("order_number", "This order is cancelled or worth nothing: it cannot take up an offer.")
    if order.ordered_on < given_on:
        raise _refusal("order_number", f"This order is of {order.ordered_on}, before the code was given on {given_on}.")
    if order.ordered_on > grant.expires_on:
        raise _refusal("code", f"The code was valid until {grant.expires_on}; the order is of {order.ordered_on}.")


def _used_sentence(session: Session, grant: OfferGrant) -> str:
    number = session.scalar(select(Order.external_id).join(Redemption, Redemption.order_id == Order.id)
                            .where(Redemption.grant_id == grant.id))
    return f"The code was redeemed already, with order {number}."


def _redeem_once(session: Session, grant: OfferGrant, order: Order) -> int | None:
    """The new redemption's id; None when somebody else was quicker: the unique grant decides, not the look before."""
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    statement = insert(Redemption).values(
        offer_id=grant.offer_id, grant_id=grant.id, account_id=grant.account_id, order_id=order.id,
        redeemed_at=clock.now(), redeemed_by=actor().name).on_conflict_do_nothing().returning(Redemption.id)
    return session.connection().execute(statement).scalar()
