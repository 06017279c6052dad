"""Who moved between two runs, and over which line."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from abm.analysis.actions import run_analysis, set_thresholds
from abm.analysis.comparing import compare_runs, count_moves, find_comparison, move_rows, select_moved
from abm.analysis.models import RunComparison
from abm.analysis.moves import moves_between
from abm.analysis.queries import find_previous_run
from abm.analysis.thresholds import Thresholds
from tests.abm.analysis.companies import load_company, load_orders
from tests.factories import make_account

ROW = {"abc": "B", "xyz": "Z", "rhythm": "slowing", "segment": "loyal", "share": 0.02, "cumulative_share": 0.832,
       "cv": 1.08, "overdue_ratio": 1.8, "order_days": 9, "value": 100.0, "r": 3, "f": 4, "m": 4}
LINES = Thresholds()


@pytest.mark.parametrize(("changes", "kind", "why"), [
    ({"abc": "A", "cumulative_share": 0.809}, "abc", "fell from 81.2% to 78.9%, over the line at 80%"),
    ({"xyz": "Y", "cv": 0.95}, "xyz", "its CV fell from 1.08 to 0.95, over the line at 1"),
    ({"rhythm": "lapsed", "overdue_ratio": 2.3}, "rhythm",
     "its overdue ratio rose from 1.80 to 2.30, over the line at 2"),
    ({"rhythm": "unknown", "order_days": 2}, "rhythm", "its order days went from 9 to 2"),
    ({"segment": "champions", "r": 5}, "segment", "its scores went: recency 3 → 5"),
    ({"abc": None, "value": 0.0}, "abc", "its value went from 100.00 to 0.00"),
])
def test_each_move_names_the_number_and_the_line(changes: dict, kind: str, why: str) -> None:
    move, = moves_between(ROW, {**ROW, **changes}, LINES, LINES)
    assert move.kind == kind
    assert why in move.why


def test_a_changed_line_is_named_as_the_cause() -> None:
    move, = moves_between(ROW, {**ROW, "xyz": "Y"}, LINES, Thresholds(y_up_to=1.2))
    assert move.why == "its CV stayed at 1.08; the lines themselves were changed in between"


def test_newcomers_are_named() -> None:
    move, = moves_between(None, ROW, LINES, LINES)
    assert (move.old, move.new, move.why) == (None, "B", "had no orders in the run before")


def test_northwind_over_half_a_year(session: Session) -> None:
    load_company(session, "northwind")
    before, now = run_analysis(session, as_of=date(1997, 12, 31)), run_analysis(session)
    compared = compare_runs(session, now, before)
    rows = list(move_rows(session, now, before))
    assert sum(count for _, _, count in compared["moves"]["rhythm"]) == len(
        [row for row in rows if row[4] == "rhythm" or (row[4] == "abc" and row[5] is None)])
    assert all(row[7] for row in rows)


def test_a_run_is_compared_with_the_last_one_by_the_same_value(session: Session) -> None:
    load_company(session, "northwind")
    first = run_analysis(session)
    run_analysis(session, value_kind="orders")
    third = run_analysis(session)
    assert find_previous_run(session, third) is first
    assert compare_runs(session, third, first)["moves"] == {"abc": [], "xyz": [], "rhythm": [], "segment": []}


def test_who_moves_by_a_line_alone(session: Session) -> None:
    account = make_account(session, external_id="A")
    days = [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 21)]
    load_orders(session, [(str(n), account.id, on, Decimal(10)) for n, on in enumerate(days)])
    before = run_analysis(session, as_of=date(2026, 2, 5))
    set_thresholds(session, lines=Thresholds(active_up_to=1.6))
    now = run_analysis(session, as_of=date(2026, 2, 5))
    assert [row[4:8] for row in move_rows(session, now, before)] == [
        ("rhythm", "slowing", "active",
         "its overdue ratio stayed at 1.50; the lines themselves were changed in between")]


def test_moves_are_counted_once_when_the_run_is_made(session: Session) -> None:
    load_company(session, "northwind")
    before, now = run_analysis(session, as_of=date(1997, 12, 31)), run_analysis(session)
    kept, anew = session.get_one(RunComparison, (now.id, before.id)), count_moves(session, now, before)
    assert (kept.moves, kept.counts, kept.few) == (anew.moves, anew.counts, anew.few)
    for kind in ("", "abc", "rhythm"):
        found = session.execute(select_moved(now, before, kind)).all()
        among = session.execute(select_moved(now, before, kind, kept.few[kind])).all()
        assert len(found) == len(among) == kept.counts[kind] > 0


def test_other_pairs_of_runs_are_counted_when_they_are_looked_at(session: Session) -> None:
    load_company(session, "northwind")
    first = run_analysis(session, as_of=date(1997, 12, 31))
    run_analysis(session)
    third = run_analysis(session)
    assert session.get(RunComparison, (third.id, first.id)) is None
    assert find_comparison(session, third, first).counts["rhythm"] > 0
