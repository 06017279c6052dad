"""Redeeming a code: once, by its own account, with an order of the right time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.offers.actions import grant_offers
from abm.offers.models import Offer, Redemption
from abm.offers.queries import list_order_values
from abm.offers.redeeming import redeem_code
from core import db
from core.errors import InvalidInput
from tests.abm.offers.offering import make_offer
from tests.factories import make_account, make_contact, make_order


@dataclass
class Given:
    account: Account
    offer: Offer
    code: str


@pytest.fixture(autouse=True)
def _june(at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 6, 10, 10, tzinfo=UTC))


def _give(session: Session) -> Given:
    """A code given on 10 June 2026, valid until 30 June."""
    account = make_account(session, name="Alfreds")
    offer = make_offer(session, valid_until=date(2026, 6, 30))
    contact = make_contact(session, account)
    codes = grant_offers(session, offer_name=offer.name, recipients=[(contact.id, account.id)])
    return Given(account, offer, codes[contact.id]["code"])


@pytest.fixture
def given(session: Session) -> Given:
    return _give(session)


def _refused(session: Session, code: str, order_number: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        redeem_code(session, code=code, order_number=order_number)
    assert session.scalar(select(func.count()).select_from(Redemption)) == 0
    return refusal.value.fields


def test_a_redemption_counts_and_stands_on_the_timeline(session: Session, given: Given) -> None:
    order = make_order(session, given.account, on=date(2026, 6, 12), amount="840.50")
    redeem_code(session, code=given.code.lower().replace("-", " "), order_number=f" {order.external_id} ")
    session.refresh(given.offer)
    assert given.offer.redeemed_count == 1
    assert session.scalar(select(AccountEvent.kind).where(AccountEvent.account_id == given.account.id)) == "redemption"
    assert [(row.orders, float(row.amount)) for row in list_order_values(session)] == [(1, 840.5)]


@pytest.mark.parametrize("day", [date(2026, 6, 10), date(2026, 6, 30)])
def test_orders_of_the_first_and_the_last_day_count(session: Session, given: Given, day: date) -> None:
    order = make_order(session, given.account, on=day)
    assert redeem_code(session, code=given.code, order_number=order.external_id).order_id == order.id


def test_an_unknown_code_is_refused_beside_the_code(session: Session, given: Given) -> None:
    order = make_order(session, given.account, on=date(2026, 6, 12))
    assert "Nobody was given this code" in _refused(session, "AAAAA-AAAAA", order.external_id)["code"]


def test_an_unknown_order_is_refused_beside_the_order(session: Session, given: Given) -> None:
    assert "no order with this number" in _refused(session, given.code, "4711")["order_number"]


def test_another_accounts_order_is_refused_with_both_names(session: Session, given: Given) -> None:
    order = make_order(session, make_account(session, name="Bottom"), on=date(2026, 6, 12))
    sentence = _refused(session, given.code, order.external_id)["order_number"]
    assert "Alfreds" in sentence
    assert "Bottom" in sentence


@pytest.mark.parametrize(("day", "field", "words"), [
    (date(2026, 6, 9), "order_number", "before the code was given on 2026-06-10"),
    (date(2026, 7, 1), "code", "valid until 2026-06-30"),
])
def test_orders_outside_the_codes_time_are_refused(session: Session, given: Given, day: date, field: str,
                                                   words: str) -> None:
    order = make_order(session, given.account, on=day)
    assert words in _refused(session, given.code, order.external_id)[field]


def test_a_cancelled_order_is_refused(session: Session, given: Given) -> None:
    order = make_order(session, given.account, on=date(2026, 6, 12), is_cancelled=True)
    assert "cancelled" in _refused(session, given.code, order.external_id)["order_number"]


def test_a_used_code_is_refused_with_the_order_that_used_it(session: Session, given: Given) -> None:
    first, second = (make_order(session, given.account, on=date(2026, 6, 12)) for _ in range(2))
    redeem_code(session, code=given.code, order_number=first.external_id)
    with pytest.raises(InvalidInput) as refusal:
        redeem_code(session, code=given.code, order_number=second.external_id)
    assert first.external_id in refusal.value.fields["code"]


def test_eight_at_once_redeem_a_code_once(database: Path) -> None:
    with db.transaction() as session:
        given = _give(session)
        numbers = [make_order(session, given.account, on=date(2026, 6, 12)).external_id for _ in range(8)]

    def redeem(number: str) -> bool:
        try:
            with db.transaction() as session:
                redeem_code(session, code=given.code, order_number=number)
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redeem, numbers)) == 1
    with db.reading() as session:
        assert session.scalar(select(Offer.redeemed_count)) == 1
