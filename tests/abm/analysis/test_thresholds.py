from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.analysis.abc_xyz import key_membership, rank_by_value
from abm.analysis.actions import run_analysis, set_thresholds
from abm.analysis.concentration import by_period, top_count
from abm.analysis.models import AccountResult
from abm.analysis.queries import export_rows
from abm.analysis.thresholds import Thresholds, parse_thresholds, read_thresholds
from core.errors import InvalidInput
from tests.abm.analysis.companies import load_company, load_orders
from tests.factories import make_account

TYPED = {name: str(value) for name, value in Thresholds().stored().items()}


def test_what_is_stored_is_read_back_and_missing_lines_have_their_default() -> None:
    assert read_thresholds(Thresholds(a_below=0.7).stored()) == Thresholds(a_below=0.7)
    assert read_thresholds({"x_up_to": 0.4, "unknown": 1}) == Thresholds(x_up_to=0.4)
    assert read_thresholds(None) == Thresholds()


@pytest.mark.parametrize(("name", "typed"), [
    ("a_below", "1.2"), ("b_below", "0.5"), ("x_up_to", "much"), ("slowing_up_to", "0.9"), ("season_years", "1.5"),
    ("top_share", "0"), ("known_from_order_days", "nan"), ("y_up_to", "inf")])
def test_a_line_that_cannot_be_is_refused_beside_its_field(name: str, typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_thresholds({**TYPED, name: typed})
    assert list(refused.value.fields) == [name]


def test_a_comma_is_understood() -> None:
    assert parse_thresholds({**TYPED, "a_below": "0,75"}).a_below == 0.75


def test_a_run_is_made_by_the_companys_lines_and_keeps_them(session: Session) -> None:
    load_company(session, "northwind")
    first = run_analysis(session, period="month")
    set_thresholds(session, lines=Thresholds(a_below=0.5, slowing_up_to=4.0))
    second = run_analysis(session, period="month")
    assert (first.totals or {})["abc"]["A"] == 34
    assert (second.totals or {})["abc"]["A"] < 34
    assert (second.totals or {})["rhythm"]["lapsed"] < 8
    assert read_thresholds(first.thresholds) == Thresholds()
    assert read_thresholds(second.thresholds).a_below == 0.5


def test_the_same_orders_day_and_lines_give_the_same_rows(session: Session) -> None:
    load_company(session, "northwind")
    runs = [run_analysis(session, as_of=date(1998, 1, 1)) for _ in range(2)]
    assert runs[0].fingerprint == runs[1].fingerprint
    first, second = ([tuple(row) for row in export_rows(session, run)] for run in runs)
    assert first == second


def test_one_more_order_changes_the_fingerprint(session: Session) -> None:
    account = make_account(session)
    load_orders(session, [("1", account.id, date(2026, 1, 5), Decimal(10))])
    first = run_analysis(session)
    load_orders(session, [("2", account.id, date(2026, 1, 6), Decimal(10))])
    assert run_analysis(session).fingerprint != first.fingerprint


@pytest.mark.parametrize(("before", "expected"), [(0.0, 1.0), (0.70, 1.0), (0.76, 0.7), (0.80, 0.5), (0.90, 0.0),
                                                  (0.99, 0.0)])
def test_membership_is_a_ramp(before: float, expected: float) -> None:
    import numpy as np

    assert key_membership(np.array([before]))[0] == pytest.approx(expected)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_membership_never_rises_down_the_ranking(values: list[int]) -> None:
    import numpy as np

    ids = [f"{n:03}" for n in range(len(values))]
    ranking = rank_by_value(np.array(values), ids)
    ranked = sorted(range(len(values)), key=lambda n: (-values[n], ids[n]))
    found = [ranking.membership[n] for n in ranked]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1


@pytest.mark.parametrize(("accounts", "part", "count"), [(89, 0.2, 18), (85, 0.2, 17), (10, 0.1, 1), (11, 0.1, 2),
                                                         (10, 0.3, 3), (1, 0.01, 1), (0, 0.2, 0)])
def test_the_top_part_is_rounded_up_exactly(accounts: int, part: float, count: int) -> None:
    assert top_count(accounts, part) == count


def test_concentration_by_period_against_plain_sums() -> None:
    import numpy as np

    sums, period = np.array([50.0, 30, 20, 10, 10, 5]), np.array([1, 1, 1, 3, 3, 3])
    found = by_period(sums, period, 0.2)
    assert [(one[0], one[1], one[2]) for one in found] == [(1, 3, 0.5), (3, 3, 0.4)]
    pairs = sum(abs(a - b) for a in (50, 30, 20) for b in (50, 30, 20))
    assert found[0][3] == pytest.approx(pairs / (2 * 9 * (100 / 3)))


def test_stored_rows_carry_membership_and_segment(session: Session) -> None:
    load_company(session, "northwind")
    run_analysis(session)
    quick = session.scalars(select(AccountResult).order_by(AccountResult.value.desc())).first()
    assert quick is not None
    assert (quick.key_membership, quick.segment) == (1.0, "loyal")
