"""Offers in the browser."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from abm.offers.actions import grant_offers
from abm.offers.kinds import KINDS, RUNGS, usual_rung
from abm.offers.models import Offer
from core import db
from tests.abm.offers.offering import make_offer
from tests.factories import make_account, make_contact, make_order

TYPED = {"title": "Free upgrade!", "kind": "upgrade", "cost_amount": "1,250.50", "valid_from": "2026-06-01",
         "valid_until": "2026-06-30", "limit_count": "10", "terms": "One per client."}


@pytest.fixture(autouse=True)
def _june(at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 6, 10, 10, tzinfo=UTC))


@pytest.fixture
def marketer(client_as: Callable[..., Any]) -> Any:
    return client_as("marketer")


def _stored() -> Offer | None:
    with db.reading() as session:
        found = session.scalar(select(Offer))
        session.expunge_all()
        return found


def test_an_empty_page_says_what_an_offer_is_for(marketer: Any) -> None:
    assert b"every account gets a code of its own" in marketer.get("/offers").data


def test_a_new_offer_gets_its_name_rung_and_currency(marketer: Any) -> None:
    assert marketer.post("/offers", data=TYPED).status_code == 302
    offer = _stored()
    assert offer
    assert (offer.name, offer.rung, offer.currency, offer.cost_amount) == ("free-upgrade", 2, "EUR", Decimal("1250.5"))


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("title", "", "Give the offer a title"),
    ("cost_amount", "much", "much is not an amount"),
    ("limit_count", "0", "not a whole number"),
    ("valid_until", "2026-05-01", "The last day lies before the first"),
    ("valid_from", "soon", "soon is not a day"),
    ("kind", "bribe", "bribe is not one of"),
    ("name", "No Spaces", "Use small letters"),
])
def test_a_wrong_value_is_named_and_the_rest_is_kept(marketer: Any, field: str, value: str, sentence: str) -> None:
    answer = marketer.post("/offers", data={**TYPED, field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "One per client." in answer.text
    assert _stored() is None


def test_a_name_is_taken_once(marketer: Any) -> None:
    marketer.post("/offers", data=TYPED)
    assert "There is an offer called free-upgrade already" in marketer.post("/offers", data=TYPED).text


def test_a_limit_below_what_was_granted_is_refused(marketer: Any) -> None:
    with db.transaction() as session:
        offer = make_offer(session, name="free-upgrade", limit_count=5)
        pairs = [(person.id, person.account_id) for person in (make_contact(session) for _ in range(3))]
        grant_offers(session, offer_name=offer.name, recipients=pairs)
    answer = marketer.post(f"/offers/{offer.id}", data={**TYPED, "limit_count": "2"})
    assert (answer.status_code, "3 codes are given already" in answer.text) == (422, True)


def test_a_page_shows_codes_cost_and_worth_and_a_redemption_by_form(marketer: Any) -> None:
    with db.transaction() as session:
        account = make_account(session, name="Alfreds")
        contact, offer = make_contact(session, account), make_offer(session)
        code = grant_offers(session, offer_name=offer.name, recipients=[(contact.id, account.id)])[contact.id]["code"]
        order = make_order(session, account, on=date(2026, 6, 11), amount="1000")
    answer = marketer.post("/offers/redeem", data={"code": code, "order_number": order.external_id})
    assert answer.status_code == 302
    page = marketer.get(f"/offers/{offer.id}").text
    assert all(words in page for words in (code, "Alfreds", "1,000 EUR", "20.0 for each 1 of cost"))


def test_a_refused_redemption_keeps_what_was_typed(marketer: Any) -> None:
    answer = marketer.post("/offers/redeem", data={"code": "AAAAA-AAAAA", "order_number": "7"})
    assert answer.status_code == 422
    assert 'value="AAAAA-AAAAA"' in answer.text


def test_an_offer_switched_off_is_shown_among_all_only(marketer: Any) -> None:
    with db.transaction() as session:
        offer = make_offer(session, title="Old promise")
    marketer.post(f"/offers/{offer.id}/active", data={"is_active": ""})
    assert "Old promise" not in marketer.get("/offers").text
    assert "Old promise" in marketer.get("/offers?show=all").text


def test_codes_can_be_downloaded(marketer: Any) -> None:
    with db.transaction() as session:
        contact, offer = make_contact(session, make_account(session, name="=cmd()")), make_offer(session)
        grant_offers(session, offer_name=offer.name, recipients=[(contact.id, contact.account_id)])
    assert "'=cmd()" in marketer.get(f"/offers/{offer.id}/codes.csv").text


@pytest.mark.parametrize(("role", "code"), [("viewer", 403), ("sales", 403), ("marketer", 200), ("admin", 200)])
def test_only_marketers_and_admins_make_offers(client_as: Callable[..., Any], role: str, code: int) -> None:
    assert client_as(role).get("/offers/new").status_code == code


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_stored_with_its_rung_and_its_terms_reach_the_message(session, kind):
    offer = make_offer(session, kind=kind, terms="Two years, parts and travel")
    account = make_account(session)
    (values,) = grant_offers(session, offer_name=offer.name, recipients=[(1, account.id)]).values()
    assert values["terms"] == "Two years, parts and travel"
    assert usual_rung(kind) in RUNGS
