"""What was taken up of an offer is a cost of the campaign that promised it first."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.cli import main
from abm.company.actions import set_company_value
from abm.offers.actions import grant_offers
from abm.offers.models import Offer, OfferGrant
from abm.offers.redeeming import redeem_code
from abm.wiring import connect_engine
from campaigns.costs import read_costs
from campaigns.dispatch import drain
from campaigns.models import Campaign
from campaigns.tally import tally_messages
from core.db import reading, transaction
from tests.abm.offers.offering import make_offer
from tests.factories import make_order
from tests.outbox_factory import EMAIL_STEP, add_people, make_run, states

STEP = {**EMAIL_STEP, "offer": "upgrade", "text": "{{ offer.code }} {{ unsubscribe_url }} {{ sender.postal_address }}",
        "html": None}


@pytest.fixture
def promised(database: Path, at: Callable[[datetime], None]) -> None:
    """Two accounts that got their codes by e-mail; an e-mail costs 2, a redemption 50."""
    at(datetime(2026, 6, 10, 10, tzinfo=UTC))
    connect_engine()
    with transaction() as session:
        set_company_value(session, name="channel_costs", value={"email": "2"})
        make_offer(session, name="upgrade", title="Free upgrade")
        add_people(session, make_run(session, step=STEP), 2, step=STEP, accounts=2)
    drain()
    assert states() == {"sent": 2}


def _redeem(session: Session, account: Account, **order: Any) -> None:
    code = session.scalars(select(OfferGrant.code).where(OfferGrant.account_id == account.id)).one()
    redeem_code(session, code=code, order_number=make_order(session, account, **order).external_id)


def _cost(session: Session, name: str = "") -> tuple[Decimal, list[tuple[str, int, Decimal]]]:
    campaigns = session.scalars(select(Campaign).order_by(Campaign.id)).all()
    campaign = next((one for one in campaigns if one.name == name), campaigns[0])
    costs = read_costs(session, tally_messages(session, campaign.id))
    return costs.total, [(one.title, one.count, one.total) for one in costs.offers]


def test_a_promise_costs_nothing_until_it_is_taken_up(promised: None) -> None:
    with transaction() as session:
        assert _cost(session) == (Decimal(4), [])
        first, second = session.scalars(select(Account).order_by(Account.id))
        _redeem(session, first, on=date(2026, 6, 11))
        assert _cost(session) == (Decimal(54), [("Free upgrade", 1, Decimal(50))])
        _redeem(session, second, on=date(2026, 6, 12))
        assert _cost(session) == (Decimal(104), [("Free upgrade", 2, Decimal(100))])


def test_an_order_that_was_cancelled_took_nothing(promised: None) -> None:
    with transaction() as session:
        account = session.scalars(select(Account).order_by(Account.id)).first()
        assert account is not None
        order = make_order(session, account, on=date(2026, 6, 11))
        code = session.scalars(select(OfferGrant.code).where(OfferGrant.account_id == account.id)).one()
        redeem_code(session, code=code, order_number=order.external_id)
        order.is_cancelled = True
        session.flush()
        assert _cost(session) == (Decimal(4), [])


def test_a_later_campaign_that_promises_the_same_again_does_not_bear_it(promised: None) -> None:
    with transaction() as session:
        accounts = session.scalars(select(Account).order_by(Account.id)).all()
        pairs = [(0, one.id) for one in accounts]
        assert len(grant_offers(session, offer_name="upgrade", recipients=pairs, campaign_id=99)) == 1
        _redeem(session, accounts[0], on=date(2026, 6, 11))
        assert _cost(session)[0] == Decimal(54)


def test_what_a_person_promised_is_no_campaigns(promised: None) -> None:
    with transaction() as session:
        make_offer(session, name="gift", title="A gift")
        account = session.scalars(select(Account).order_by(Account.id)).first()
        assert account is not None
        code = grant_offers(session, offer_name="gift", recipients=[(0, account.id)])[0]["code"]
        redeem_code(session, code=code, order_number=make_order(session, account, on=date(2026, 6, 11)).external_id)
        assert _cost(session) == (Decimal(4), [])


def test_an_offer_in_another_currency_is_not_added_to_the_companys(promised: None) -> None:
    with transaction() as session:
        session.scalars(select(Offer)).one().currency = "USD"
        account = session.scalars(select(Account).order_by(Account.id)).first()
        assert account is not None
        _redeem(session, account, on=date(2026, 6, 11))
        assert _cost(session) == (Decimal(4), [])


def test_the_status_and_the_drawer_say_it(promised: None, client_as: Callable[..., Any],
                                          capsys: pytest.CaptureFixture[str]) -> None:
    with transaction() as session:
        account = session.scalars(select(Account).order_by(Account.id)).first()
        assert account is not None
        _redeem(session, account, on=date(2026, 6, 11))
    with reading() as session:
        campaign = session.scalars(select(Campaign)).one()
        name, number = campaign.name, campaign.id
    capsys.readouterr()
    assert main(["campaigns", "status", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost"] == 54
    drawer = " ".join(client_as("marketer").get(f"/campaigns/{number}/results/cost").text.split())
    cells = re.findall(r"<td[^>]*>([^<]*)", drawer.partition("Free upgrade, redeemed")[2])
    assert cells[:3] == ["1", "50.00 EUR", "50.00 EUR"]
