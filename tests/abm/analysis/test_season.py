"""A silence that comes every year at the same time is shown as a habit; the label stays."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.analysis.actions import run_analysis
from abm.analysis.models import AccountResult
from abm.analysis.order_days import number_of
from abm.analysis.rhythm import recent_gaps, seasonal_years
from tests.abm.analysis.companies import load_company, load_orders
from tests.factories import make_account

SUMMER = (6, 7, 8)


def weekly(first: date, last: date, without_months: tuple[int, ...] = ()) -> list[date]:
    days = [first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]
    return [day for day in days if day.month not in without_months]


def habit(days: list[date], today: date) -> int:
    numbers = np.array([number_of(day) for day in days])
    gap = np.array([float(np.median(np.diff(numbers)))])
    return int(seasonal_years(numbers, np.zeros(len(numbers), dtype=np.int64), gap, number_of(today))[0])


def by_hand(days: list[date], today: date, gap: int) -> int:
    """Year by year, day by day."""
    found = 0
    for years in range(1, 6):
        shift = timedelta(days=round(365.25 * years))
        stretch = [days[-1] + timedelta(days=gap + n) - shift for n in range((today - days[-1]).days - gap + 1)]
        if not days[0] < stretch[0]:
            break
        if set(stretch) & set(days):
            return 0
        found += 1
    return found


@pytest.mark.parametrize(("first", "months", "today", "years"), [
    (date(2022, 1, 3), SUMMER, date(2026, 8, 20), 4),
    (date(2024, 1, 1), SUMMER, date(2026, 8, 20), 2),
    (date(2025, 1, 6), SUMMER, date(2026, 8, 20), 1),
    (date(2022, 1, 3), SUMMER, date(2026, 9, 30), 0),
    (date(2022, 1, 3), (), date(2026, 8, 20), 0),
])
def test_years_with_the_same_pause(first: date, months: tuple[int, ...], today: date, years: int) -> None:
    days = weekly(first, date(2026, 5, 31), months)
    assert habit(days, today) == by_hand(days, today, 7) == years


def test_a_silence_of_more_than_a_year_is_no_season() -> None:
    assert habit(weekly(date(2020, 1, 6), date(2024, 5, 31), SUMMER), date(2026, 8, 20)) == 0


def test_the_label_stays_lapsed_beside_the_doubt(session: Session) -> None:
    account = make_account(session)
    days = weekly(date(2022, 1, 3), date(2026, 5, 31), SUMMER)
    load_orders(session, [(str(n), account.id, on, Decimal(10)) for n, on in enumerate(days)])
    run = run_analysis(session, as_of=date(2026, 8, 20))
    row = session.scalars(select(AccountResult)).one()
    assert (row.rhythm, row.seasonal_years) == ("lapsed", 4)
    assert (run.facts or {})["seasonal"] == {"slowing": 0, "lapsed": 1}


@pytest.mark.parametrize("company", ["northwind", "crm_opportunities"])
def test_companies_with_less_than_three_years_have_no_seasons_on_record(session: Session, company: str) -> None:
    load_company(session, company)
    run = run_analysis(session)
    assert (run.facts or {})["seasonal"] == {"slowing": 0, "lapsed": 0}


def test_recent_gaps_are_the_mean_of_the_last_three() -> None:
    days = np.array([0, 10, 20, 30, 60, 90, 150, 0, 5, 10, 15, 20])
    found = recent_gaps(days, np.array([0] * 7 + [1] * 5), 2)
    assert found[0] == 40
    assert np.isnan(found[1])
