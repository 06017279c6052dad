"""The chart of orders and the white space as rules on plain values."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.dossier.order_chart import draw_orders
from abm.dossier.white_space import category_rows

TODAY = date(2026, 6, 15)


def days(*ago):
    return [(TODAY - timedelta(days=number), 100.0) for number in sorted(ago, reverse=True)]


def test_the_next_order_is_expected_a_median_gap_after_the_last():
    chart = draw_orders(days(5, 15, 25, 60), today=TODAY)
    assert chart is not None
    assert chart.expected_on == TODAY + timedelta(days=5)
    assert chart.title.startswith("Orders about every 10 days, the last 5 days ago")


@pytest.mark.parametrize(("ago", "words"), [
    ((3,), "1 order day so far, the last 3 days ago: too few for a rhythm"),
    ((0, 9), "2 order days so far, the last today"),
    ((50, 60, 70), "5.0 times its usual gap"), ((5, 15, 380, 390, 400), "33% below the year before"),
])
def test_the_title_says_what_the_chart_shows(ago, words):
    chart = draw_orders(days(*ago), today=TODAY)
    assert chart is not None
    assert words in chart.title


def test_where_orders_ended_long_ago_the_last_one_bears_its_day():
    chart = draw_orders(days(5, 15, 25, 60), today=TODAY, is_past=True)
    assert chart is not None
    assert chart.title.startswith("Orders about every 10 days, the last on 10 Jun 2026")


def test_without_orders_there_is_no_chart_and_later_orders_do_not_count():
    assert draw_orders([], today=TODAY) is None
    assert draw_orders([(TODAY + timedelta(days=1), 5.0)], today=TODAY) is None


@given(st.lists(st.tuples(st.integers(0, 6000), st.floats(0, 1e6)), min_size=1, max_size=60,
                unique_by=lambda one: one[0]))
def test_every_order_stands_in_exactly_one_bar_and_everything_lies_on_the_drawing(orders):
    given_days = sorted((TODAY - timedelta(days=ago), value) for ago, value in orders)
    chart = draw_orders(given_days, today=TODAY)
    assert chart is not None
    assert sum(bar.value for bar in chart.bars) == pytest.approx(sum(value for _, value in orders))
    assert all(earlier.end == later.start for earlier, later in zip(chart.bars, chart.bars[1:], strict=False))
    assert chart.bars[0].start <= given_days[0][0]
    assert chart.bars[-1].end > TODAY
    assert chart.expected_on is None or chart.expected_on < chart.bars[-1].end
    assert len(chart.bars) <= 36


def test_a_gap_is_what_three_in_ten_peers_buy_and_nobody_here_does():
    sums = {(1, "nails"): 50.0, **{(peer, "nails"): 10.0 for peer in range(10, 20)},
            **{(peer, "glue"): float(peer) for peer in (10, 11, 12)}, (13, "wax"): 9.0}
    rows = category_rows(sums, sites=[1, 2], peers=range(10, 20))
    found = {row.category: (row.is_gap_everywhere, row.is_gap(2), row.buying_peers, row.median) for row in rows}
    assert next(row.category for row in rows) == "glue"
    assert found == {"glue": (True, True, 3, 11.0), "nails": (False, True, 10, 10.0), "wax": (False, False, 1, 9.0)}
    assert rows[0].worth == pytest.approx(0.3 * 11)


def test_money_back_is_no_purchase():
    rows = category_rows({(1, "nails"): -5.0, (10, "nails"): 5.0}, sites=[1], peers=[10])
    assert rows[0].is_gap(1)
