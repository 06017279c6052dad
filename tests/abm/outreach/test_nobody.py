"""A campaign that means nobody says what is missing and where to get it, at the check and at the approval."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from abm.company.actions import set_company_value
from abm.outreach.launching import approve_campaign, check_launch
from abm.outreach.plays import use_play
from abm.wiring import connect_engine
from campaigns.library import get_play
from campaigns.models import Campaign
from core import db
from core.errors import Refused
from tests.abm.outreach.companies import make_list
from tests.factories import make_account, make_contact, make_user


@pytest.fixture(autouse=True)
def _company(database: Path) -> None:
    connect_engine()
    with db.transaction() as session:
        set_company_value(session, name="postal_address", value="1 Example Street")


def make_draft(session: Session, **values: Any) -> Campaign:
    return use_play(session, play=get_play("reactivation-3-price"), sender_email="sales@example.com", **values)


def said_of(session: Session, campaign: Campaign) -> str:
    """What the check refuses, which is what the approval says, too."""
    sentence = next(one.sentence for one in check_launch(session, campaign=campaign).findings
                    if one.what == "no_members")
    with pytest.raises(Refused) as refused:
        approve_campaign(session, campaign=campaign, by=make_user(session, role="admin"))
    assert str(refused.value) == f"{campaign.name} would be written to nobody. {sentence}"
    return sentence


def test_people_with_other_roles_are_counted_beside_the_roles_that_are_meant() -> None:
    with db.transaction() as session:
        account = make_account(session)
        for role in ("gatekeeper", "user", "user", None):
            make_contact(session, account, buying_role=role)
        make_contact(session, account, buying_role="influencer", is_active=False)
        make_list(session, account)
        said = said_of(session, make_draft(session, list_name="silent"))
    assert said.startswith("The list Silent holds 1 account, but nobody there is known as decision maker, economic "
                           "buyer or influencer (there are: 2 user, 1 without a role, 1 gatekeeper). ")
    assert "buying centre" in said


def test_a_list_without_accounts_says_what_it_asks_of_them() -> None:
    with db.transaction() as session:
        said = said_of(session, make_draft(session))
    assert said.startswith("The list Nearly given up holds no account today. Accounts whose overdue ratio is more than "
                           "5 ")


def test_accounts_without_people_ask_for_people() -> None:
    with db.transaction() as session:
        account = make_account(session)
        make_contact(session, account, buying_role="decision_maker", is_active=False)
        make_list(session, account, make_account(session))
        said = said_of(session, make_draft(session, list_name="silent"))
    assert said == ("The list Silent holds 2 accounts, but nobody is known there who has not left; enter or import "
                    "people for them.")
