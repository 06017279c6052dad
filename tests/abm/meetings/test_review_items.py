"""Key accounts that are due stand on the agenda with the day since when they are."""

from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.meetings.items import reviews
from abm.meetings.periods import Period
from abm.plans.models import AccountReview
from tests.factories import make_account

NOW = datetime(2026, 6, 12, 9, tzinfo=UTC)
PERIOD = Period(NOW, NOW.date(), NOW.date())


def proposed(session: Session, account: Account, *, value: float, **decided: object) -> None:
    session.add(AccountReview(account_id=account.id, as_of=NOW.date(), proposal="keep", value_12m=value,
                              reasons=[{"speaks_for": "keep", "text": "class A"}], proposed_at=NOW, **decided))
    session.flush()


def test_a_due_review_says_since_when_and_a_first_one_that_it_is_the_first(session: Session) -> None:
    again, first = make_account(session, name="Again"), make_account(session, name="First")
    for year in (2025, 2026):
        proposed(session, again, value=1, decision="keep", decided_at=NOW, next_review_on=date(year, 6, 1))
    proposed(session, again, value=900)
    proposed(session, first, value=500)

    rows, total = reviews(session, PERIOD)

    assert total == 2
    assert [row["facts"] for row in rows] == ["proposed: keep · class A · due since 2026-06-01",
                                              "proposed: keep · class A · never reviewed"]
