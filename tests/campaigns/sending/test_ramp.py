from datetime import date

import pytest

from campaigns.sending.ramp import WarmUp, day_limit, days_until

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(("day", "limit"), [(2, 50), (3, 75), (4, 112), (1, 50), (9, 854)])
def test_a_warm_up_grows_by_its_percentage_each_day(day: int, limit: int) -> None:
    assert WarmUp(MONDAY, 50, 50).limit_on(date(2026, 3, day)) == limit


def test_the_smaller_of_limit_and_warm_up_counts_and_zero_is_none() -> None:
    warm_up = WarmUp(MONDAY, 50, 100)
    assert [day_limit(120, warm_up, date(2026, 3, day)) for day in (2, 3, 4)] == [50, 100, 120]
    assert (day_limit(0, None, MONDAY), day_limit(80, None, MONDAY)) == (0, 80)


def test_a_warm_up_of_many_years_does_not_overflow() -> None:
    assert WarmUp(date(1990, 1, 1), 1_000, 200).limit_on(MONDAY) == 10**9


def test_the_days_that_a_campaign_takes_at_these_limits() -> None:
    assert days_until(100, None, messages=250, day=MONDAY) == 3
    assert days_until(0, WarmUp(MONDAY, 50, 100), messages=350, day=MONDAY) == 3
    assert days_until(0, None, messages=10**6, day=MONDAY) == 1
