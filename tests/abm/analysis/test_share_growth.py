import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.analysis.actions import run_analysis
from abm.analysis.models import AccountResult
from abm.analysis.portfolio_chart import draw, place_growth, place_share
from abm.analysis.share_growth import share_and_growth
from abm.analysis.thresholds import Thresholds
from tests.abm.analysis.companies import load_orders
from tests.factories import make_account

LINES = Thresholds()


@pytest.mark.parametrize(("year", "before", "quadrants"), [
    ([100, 50, 10, 10], [50, 50, 5, 10], ["star", "cash_cow", "question_mark", "dog"]),
    ([100, 25, 24.9], [0, 25, 0], ["new", "cash_cow", "new"]),
    ([100, 0, 30], [100, 5, 27.3], ["cash_cow", "gone", "cash_cow"]),
    ([100, 30], [10, 30 / 1.1], ["star", "star"]),
    ([7], [7], ["cash_cow"]),
])
def test_quadrants(year: list[float], before: list[float], quadrants: list[str]) -> None:
    found = share_and_growth(np.array(year, dtype=float), np.array(before, dtype=float), LINES)
    assert found.quadrant.tolist() == quadrants


def test_the_largest_is_measured_against_the_second() -> None:
    found = share_and_growth(np.array([80.0, 40.0, 10.0]), np.array([1.0, 1.0, 1.0]), LINES)
    assert found.relative_share.tolist() == [2.0, 0.5, 0.125]


def test_two_years_end_with_the_day_of_the_analysis(session: Session) -> None:
    account = make_account(session)
    days = [(date(2026, 6, 30), 1), (date(2025, 7, 1), 10), (date(2025, 6, 30), 100), (date(2024, 7, 1), 1000),
            (date(2024, 6, 30), 10_000)]
    load_orders(session, [(str(n), account.id, on, Decimal(amount)) for n, (on, amount) in enumerate(days)])
    run_analysis(session)
    row = session.scalars(select(AccountResult)).one()
    assert (row.year_value, row.year_before_value) == (11, 1100)


def test_the_drawing_puts_large_ones_left_and_growing_ones_up() -> None:
    assert place_share(1.0, 0.01) < place_share(0.1, 0.01) < place_share(0.02, 0.01) <= 1
    assert place_growth(-1) == 0
    assert place_growth(2) == place_growth(99) == 1
    assert place_share(0.2, 0.02) == pytest.approx(math.log(2 / 0.2) / math.log(2 / 0.02))


def test_nothing_is_drawn_where_there_is_no_year_before() -> None:
    assert draw([], share_line=0.25, growth_line=0.1)["dots"] == []
