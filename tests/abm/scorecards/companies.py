"""Small companies with scorecards, for tests."""

from datetime import date

from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.scorecards.actions import apply_scorecard, publish_scorecard
from abm.scorecards.measures import MEASURES
from abm.scorecards.models import Scorecard
from abm.scorecards.reading import read_definition
from tests.factories import make_account, make_order

SALES_AND_TRUST = {
    "scorecard": "sales-and-trust", "title": "Sales and trust", "rank_from_coverage": "50%",
    "member": {"from": 40, "to": 90},
    "criteria": [
        {"id": "sales", "title": "Sales", "weight": 60, "by": "orders.value_12m", "scale": "percentile"},
        {"id": "trust", "title": "Trust", "weight": 40, "by": "hand",
         "levels": [{"points": 0, "words": "None"}, {"points": 50, "words": "Some"}, {"points": 100, "words": "Much"}]},
    ],
}


def definition_of(document=SALES_AND_TRUST):
    from abm.scorecards import computing  # noqa: F401 - makes the measures known

    return read_definition(document, MEASURES)


def make_buyers(session: Session, *amounts: int) -> list[Account]:
    """Accounts with one order each, of these amounts, on a day this year."""
    accounts = [make_account(session, name=f"Buyer {amount}", external_id=f"B{amount}") for amount in amounts]
    for account, amount in zip(accounts, amounts, strict=True):
        make_order(session, account, on=date(2026, 6, 1), amount=str(amount))
    return accounts


def make_scorecard(session: Session, document=SALES_AND_TRUST, *, is_published: bool = True) -> Scorecard:
    scorecard = apply_scorecard(session, definition=definition_of(document))
    if is_published:
        publish_scorecard(session, scorecard=scorecard)
    return scorecard
