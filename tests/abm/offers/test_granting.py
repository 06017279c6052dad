"""Granting offers: one code per account, and never more than the limit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.offers.actions import grant_offers
from abm.offers.codes import make_code, tidy_code
from abm.offers.models import Offer, OfferGrant
from core import db
from tests.abm.offers.offering import make_offer
from tests.factories import make_account, make_contact

JUNE = datetime(2026, 6, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _june(at: Callable[[datetime], None]) -> None:
    at(JUNE)


def test_grant_gives_code_title_and_end_of_validity(session: Session) -> None:
    contact = make_contact(session)
    offer = make_offer(session, title="Free upgrade", valid_until=date(2026, 7, 1))
    values = grant_offers(session, offer_name=offer.name, recipients=[(contact.id, contact.account_id)])[contact.id]
    assert (values["title"], values["valid_until"]) == ("Free upgrade", date(2026, 7, 1))
    assert values["code"] == session.scalar(select(OfferGrant.code).where(OfferGrant.account_id == contact.account_id))


def test_two_people_of_an_account_get_the_same_code(session: Session) -> None:
    account, offer = make_account(session), make_offer(session)
    people = [make_contact(session, account), make_contact(session, account)]
    granted = grant_offers(session, offer_name=offer.name, recipients=[(person.id, account.id) for person in people])
    assert len({granted[person.id]["code"] for person in people}) == 1
    assert session.scalar(select(Offer.granted_count)) == 1


def test_asking_again_gives_the_same_code_and_counts_nothing(session: Session) -> None:
    contact, offer = make_contact(session), make_offer(session, limit_count=1)
    asked = {"offer_name": offer.name, "recipients": [(contact.id, contact.account_id)]}
    assert grant_offers(session, **asked) == grant_offers(session, **asked)
    assert session.scalar(select(Offer.granted_count)) == 1


def test_accounts_beyond_the_limit_get_nothing(session: Session) -> None:
    people = [make_contact(session) for _ in range(5)]
    offer = make_offer(session, limit_count=3)
    pairs = [(person.id, person.account_id) for person in people]
    granted = grant_offers(session, offer_name=offer.name, recipients=pairs)
    assert sorted(granted) == [person.id for person in people[:3]]


@pytest.mark.parametrize("values", [
    {"valid_from": date(2026, 6, 2)}, {"valid_until": date(2026, 5, 31)}, {"is_active": False},
])
def test_nothing_is_granted_outside_validity_or_when_switched_off(session: Session, values: dict[str, Any]) -> None:
    contact, offer = make_contact(session), make_offer(session, **values)
    assert grant_offers(session, offer_name=offer.name, recipients=[(contact.id, contact.account_id)]) == {}


def test_validity_includes_its_first_and_last_day_in_the_companys_zone(session: Session,
                                                                       at: Callable[[datetime], None],
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    contact = make_contact(session)
    offer = make_offer(session, valid_from=date(2026, 6, 2), valid_until=date(2026, 6, 2))
    from abm.company.actions import set_company_value

    set_company_value(session, name="timezone", value="Asia/Tokyo")
    at(datetime(2026, 6, 1, 15, 30, tzinfo=UTC))
    assert grant_offers(session, offer_name=offer.name, recipients=[(contact.id, contact.account_id)])


def test_an_offer_nobody_knows_grants_nothing(session: Session) -> None:
    assert grant_offers(session, offer_name="no-such", recipients=[(1, 1)]) == {}


def test_eight_workers_at_once_grant_exactly_the_limit(database: Path) -> None:
    with db.transaction() as session:
        offer = make_offer(session, limit_count=25)
        pairs = [(person.id, person.account_id) for person in (make_contact(session) for _ in range(40))]
        name = offer.name

    def work(number: int) -> dict[int, dict[str, Any]]:
        mine = pairs[number * 5:] + pairs[:number * 5]
        granted: dict[int, dict[str, Any]] = {}
        for start in range(0, len(mine), 4):
            with db.transaction() as session:
                granted |= grant_offers(session, offer_name=name, recipients=mine[start:start + 4])
        return granted

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(8)))
    with db.reading() as session:
        stored = session.scalar(select(func.count()).select_from(OfferGrant))
        counted = session.scalar(select(Offer.granted_count))
    assert (stored, counted) == (25, 25)
    codes = [{contact: values["code"] for contact, values in answer.items()} for answer in answers]
    assert all(codes[0].get(contact, code) == code for answer in codes for contact, code in answer.items())


def test_a_code_read_out_is_found_however_it_is_typed() -> None:
    code = make_code()
    assert tidy_code(f"  {code.lower().replace('-', ' ')} ") == code
