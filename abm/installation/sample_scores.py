"""What people of the sample company said of its larger accounts: ratings by hand, answers to the gates, reviews."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run_id
from abm.plans.actions import answer_question, propose_reviews
from abm.plans.qualifying import qualify_accounts
from abm.scorecards.actions import Rating, compute_scores, rate_account, ship_scorecards
from abm.scorecards.models import Scorecard
from abm.scorecards.queries import draft_of, list_scorecards

RATED = 24
_ASKED, _WITHOUT_WISH, _WITH_MANY_DECIDING = 10, 3, 5
_EVIDENCE = ("Visit in spring", "Delivery notes of the last quarter", "Said so at the yearly talk", "Own estimate")


def add_sample_scores(session: Session) -> None:
    """Ship the scorecards, rate the largest accounts (the levels follow from their ids: the same every time), and ask
    which of them are key."""
    ship_scorecards(session)
    query = select(Account).join(AccountResult, AccountResult.account_id == Account.id)
    query = query.where(AccountResult.run_id == latest_run_id()).order_by(AccountResult.value.desc(), Account.id)
    accounts = session.scalars(query.limit(RATED)).all()
    for scorecard in list_scorecards(session):
        _rate(session, scorecard, list(accounts))
        compute_scores(session, scorecard=scorecard)
    qualify_accounts(session)
    _answer(session, accounts)
    propose_reviews(session)


def _rate(session: Session, scorecard: Scorecard, accounts: list[Account]) -> None:
    criteria = [one for one in draft_of(scorecard).criteria if one.is_by_hand]
    for account in accounts:
        ratings = {}
        for criterion in criteria:
            number = sum(map(ord, account.external_id + criterion.id))
            step = criterion.steps[min(number * 7 % 5, len(criterion.steps) - 1)]
            ratings[criterion.id] = Rating(step.points, _EVIDENCE[number % len(_EVIDENCE)])
        rate_account(session, scorecard=scorecard, account_id=account.id, ratings=ratings)


def _answer(session: Session, accounts: Sequence[Account]) -> None:
    """What Northwind's people know of some of the largest: enough for one to pass all gates."""
    for place, account in enumerate(accounts[:_ASKED]):
        wishes = "no" if place % len(_EVIDENCE) == _WITHOUT_WISH else "yes"
        answer_question(session, account_id=account.id, question="partnership", answer=wishes,
                        evidence=_EVIDENCE[place % len(_EVIDENCE)])
    for account in accounts[:_WITH_MANY_DECIDING]:
        answer_question(session, account_id=account.id, question="complexity", answer="yes",
                        evidence="Buyer, kitchen and finance all sign; three branches order")
    answer_question(session, account_id=accounts[-1].id, question="kind", answer="expert",
                    evidence="Tests every new article and tells us why")
