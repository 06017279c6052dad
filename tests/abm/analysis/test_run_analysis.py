"""Whole analyses on real order books, with facts computed independently."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.analysis.actions import run_analysis
from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.queries import export_rows, find_previous_run, latest_run
from abm.analysis.results import EXPORT_COLUMNS
from core.errors import InvalidInput, Refused
from tests.abm.analysis.companies import load_company, load_orders
from tests.factories import make_account


@pytest.fixture
def northwind(session: Session) -> Session:
    load_company(session, "northwind")
    return session


@pytest.fixture
def crm(session: Session) -> Session:
    load_company(session, "crm_opportunities")
    return session


def analysed(session: Session, **options: object) -> dict:
    return run_analysis(session, **options).totals or {}  # type: ignore[arg-type]


def test_northwind_totals(northwind: Session) -> None:
    totals = analysed(northwind, period="month")
    assert (totals["accounts"], totals["orders"], round(totals["value"], 2)) == (89, 830, 1265793.04)
    assert (totals["as_of"], totals["from"], totals["period"]) == ("1998-05-06", "1996-07-04", "month")


def test_northwind_classes_by_month(northwind: Session) -> None:
    totals = analysed(northwind, period="month")
    assert totals["abc"] == {"A": 34, "B": 27, "C": 28}
    assert totals["xyz"] == {"X": 0, "Y": 1, "Z": 88}


def test_northwind_by_quarter_is_the_proposal(northwind: Session) -> None:
    totals = analysed(northwind)
    assert totals["period"] == "quarter"
    assert totals["xyz"] == {"X": 2, "Y": 26, "Z": 61}


def test_northwind_concentration(northwind: Session) -> None:
    run = run_analysis(northwind)
    assert run.totals is not None
    assert run.facts is not None
    assert (run.facts["top20_count"], round(run.totals["top20_share"], 4)) == (18, 0.6006)


def test_northwind_value_of_the_a_accounts(northwind: Session) -> None:
    run = run_analysis(northwind)
    value = northwind.scalar(select(func.sum(AccountResult.value)).filter_by(run_id=run.id, abc="A"))
    assert value == pytest.approx(1_013_547.90, abs=0.005)


def test_northwind_rhythm(northwind: Session) -> None:
    totals = analysed(northwind)
    assert totals["rhythm"]["lapsed"] == 8
    assert sum(totals["rhythm"].values()) - totals["rhythm"]["unknown"] == 86


def test_northwind_does_not_identify_the_model_so_that_p_alive_stays_empty(northwind: Session) -> None:
    run = run_analysis(northwind)
    assert run.totals is not None
    assert run.totals["bgnbd"]["identifiable"] is False
    assert northwind.scalar(select(func.count(AccountResult.p_alive)).filter_by(run_id=run.id)) == 0


def test_crm_classes(crm: Session) -> None:
    totals = analysed(crm, period="month")
    assert totals["abc"] == {"A": 59, "B": 18, "C": 8}
    assert totals["xyz"] == {"X": 28, "Y": 53, "Z": 4}


def test_crm_totals(crm: Session) -> None:
    totals = analysed(crm)
    assert (totals["value"], totals["rhythm"]["lapsed"], round(totals["top20_share"], 4)) == (10_005_534, 9, 0.3169)


def test_totals_bear_exactly_the_keys_of_the_contract(northwind: Session) -> None:
    totals = analysed(northwind)
    assert list(totals) == [
        "as_of",
        "from",
        "period",
        "accounts",
        "orders",
        "value",
        "abc",
        "xyz",
        "top20_share",
        "gini",
        "rhythm",
        "bgnbd",
    ]
    assert list(totals["bgnbd"]) == ["r", "alpha", "a", "b", "log_likelihood", "identifiable"]


def test_orders_after_the_day_are_ignored(northwind: Session) -> None:
    totals = analysed(northwind, as_of=date(1997, 6, 30))
    assert totals["orders"] == 337
    assert totals["as_of"] == "1997-06-30"


def test_orders_before_the_first_day_are_ignored(northwind: Session) -> None:
    totals = analysed(northwind, from_on=date(1998, 1, 1))
    assert (totals["orders"], totals["from"]) == (270, "1998-01-01")


def test_a_later_day_lengthens_the_silence_but_adds_no_period(northwind: Session) -> None:
    first, later = run_analysis(northwind), run_analysis(northwind, as_of=date(1999, 5, 6))
    assert first.facts is not None
    assert later.facts is not None
    assert first.facts["periods"] == later.facts["periods"]
    assert later.totals is not None
    assert later.totals["rhythm"]["lapsed"] == 85


def test_value_by_orders_ranks_by_their_number(northwind: Session) -> None:
    run = run_analysis(northwind, value_kind="orders")
    rows = list(export_rows(northwind, run))
    assert rows[0][:3] == ("SAVEA", 31, 31.0)


def test_export_has_a_row_per_account_with_orders_and_the_columns_of_the_contract(northwind: Session) -> None:
    run = run_analysis(northwind, period="month")
    rows = list(export_rows(northwind, run))
    quick = dict(zip(EXPORT_COLUMNS, rows[0], strict=True))
    assert len(rows) == 89
    assert (quick["account_id"], quick["cell"], round(quick["share"], 4)) == ("QUICK", "AZ", 0.0871)


def test_an_account_with_one_order_day_has_no_gap(session: Session) -> None:
    account = make_account(session)
    load_orders(session, [("1", account.id, date(2026, 1, 5), Decimal(10))])
    run = run_analysis(session, as_of=date(2026, 2, 4))
    row = session.get_one(AccountResult, (run.id, account.id))
    assert (row.median_gap_days, row.overdue_ratio, row.days_since_last, row.rhythm) == (None, None, 30, "unknown")


def test_two_order_days_have_a_gap_but_no_rhythm(session: Session) -> None:
    account = make_account(session)
    load_orders(
        session, [("1", account.id, date(2026, 1, 1), Decimal(1)), ("2", account.id, date(2026, 1, 11), Decimal(1))]
    )
    run = run_analysis(session, as_of=date(2026, 2, 10))
    row = session.get_one(AccountResult, (run.id, account.id))
    assert (row.median_gap_days, row.overdue_ratio, row.rhythm) == (10, 3, "unknown")


def test_new_is_shown_beside_the_class_by_thresholds(session: Session) -> None:
    old, new = make_account(session), make_account(session)
    load_orders(session, [(str(month), old.id, date(2025, month, 3), Decimal(10)) for month in range(1, 13)])
    load_orders(session, [("n", new.id, date(2025, 10, 3), Decimal(10))])
    run = run_analysis(session, period="month")
    rows = {
        row.account_id: (row.xyz, row.is_new) for row in session.scalars(select(AccountResult).filter_by(run_id=run.id))
    }
    assert rows == {old.id: ("X", False), new.id: ("Z", True)}


def test_accounts_without_value_are_not_ranked(session: Session) -> None:
    account = make_account(session)
    load_orders(session, [("1", account.id, date(2026, 1, 1), Decimal(10))])
    run = run_analysis(session, value_kind="margin")
    row = session.get_one(AccountResult, (run.id, account.id))
    assert (row.abc, row.cell, row.share) == (None, None, None)
    assert run.totals is not None
    assert (run.totals["abc"], run.totals["top20_share"]) == ({"A": 0, "B": 0, "C": 0}, None)


def test_every_run_is_kept(northwind: Session) -> None:
    first, second = run_analysis(northwind), run_analysis(northwind, period="month")
    assert latest_run(northwind) is second
    assert find_previous_run(northwind, second) is first


def test_without_orders_there_is_nothing_to_analyse(session: Session) -> None:
    with pytest.raises(Refused, match="import orders"):
        run_analysis(session)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"period": "week"}, "period"),
        ({"value_kind": "love"}, "value"),
        ({"as_of": date(2025, 1, 1), "from_on": date(2026, 1, 1)}, "from"),
    ],
)
def test_values_that_cannot_be_are_named(session: Session, options: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run_analysis(session, **options)
    assert list(refused.value.fields) == [field]
    assert session.scalar(select(func.count()).select_from(AnalysisRun)) == 0
