"""What win-back brought, against the accounts left alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from abm.winback.models import Case
from abm.winback.proof import Arm, difference_interval, list_comparisons
from campaigns.models import Campaign, HoldoutAccount
from tests.factories import make_account

DRAWN = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(("treated", "held_out", "expected"), [
    (Arm(100, 30), Arm(100, 20), (0.1, -0.0202, 0.2167)),
    (Arm(10, 10), Arm(10, 0), (1.0, 0.6075, 1.0)),
])
def test_the_interval_is_that_of_two_proportions(treated: Arm, held_out: Arm,
                                                 expected: tuple[float, float, float]) -> None:
    assert difference_interval(treated, held_out) == pytest.approx(expected, abs=1e-4)


def test_an_empty_arm_has_no_interval() -> None:
    assert difference_interval(Arm(10, 3), Arm(0, 0)) is None


def test_cases_open_at_the_draw_are_compared_by_whether_they_came_back_since(session: Session) -> None:
    campaign = Campaign(name="back", title="Back", definition={}, definition_hash="x", created_at=DRAWN,
                        updated_at=DRAWN)
    session.add(campaign)
    session.flush()
    for is_held_out, won_days in ((False, 5), (False, None), (False, -5), (True, None), (True, 9)):
        account = make_account(session)
        session.add(HoldoutAccount(campaign_id=campaign.id, account_id=account.id, is_held_out=is_held_out,
                                   drawn_at=DRAWN))
        session.add(Case(account_id=account.id, as_of=date(2026, 5, 1), last_order_on=date(2026, 1, 1),
                         median_gap_days=10, overdue_ratio=3, detected_at=DRAWN - timedelta(days=30),
                         state="won_back" if won_days else "open",
                         closed_at=DRAWN + timedelta(days=won_days) if won_days else None))
    session.flush()
    found = list_comparisons(session)[0]
    assert (found.treated, found.held_out) == (Arm(2, 1), Arm(2, 1))
