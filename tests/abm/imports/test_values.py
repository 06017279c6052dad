"""Cells as values."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.imports.values import (
    BadValue,
    parse_amount,
    parse_count,
    parse_date,
    parse_moment,
    parse_number,
    parse_share,
    plain_amounts,
    writes_decimal_comma,
)


@pytest.mark.parametrize(
    "text",
    [
        "1997-04-03",
        "1997/4/3",
        "19970403",
        "3.4.1997",
        "03.04.1997",
        "3 April 1997",
        "3-Apr-1997",
        "April 3, 1997",
        "1997-04-03T10:00:00Z",
        "1997-04-03 00:00:00",
    ],
)
def test_unambiguous_dates_are_read(text: str) -> None:
    assert parse_date(text) == "1997-04-03"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("03/04/1997", "two ways"),
        ("1997-02-30", "calendar"),
        ("soon", "not a date"),
        ("0097-01-01", "outside"),
        ("3 Smarch 1997", "not a date"),
    ],
)
def test_other_dates_are_refused_with_the_reason(text: str, word: str) -> None:
    with pytest.raises(BadValue, match=word):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "day"), [("25/04/1997", "1997-04-25"), ("04/25/1997", "1997-04-25"), ("04/04/1997", "1997-04-04")]
)
def test_slashes_are_read_where_only_one_reading_is_possible(text: str, day: str) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("12,5", "12.5"),
        ("1,234", "1234"),
        ("1,234,567", "1234567"),
        ("1863.4001", "1863.4001"),
        ("0,123", "0.123"),
        ("(3.20)", "-3.20"),
        ("-5", "-5"),
        ("1e3", "1000"),
    ],
)
def test_numbers_with_either_decimal_mark_are_read(text: str, number: str) -> None:
    assert parse_number(text) == Decimal(number)


def test_where_the_comma_is_the_decimal_mark_a_point_parts_thousands() -> None:
    assert parse_number("1.234", comma_is_decimal=True) == 1234


@pytest.mark.parametrize("text", ["abc", "1.2.3", "12,34,56", "--5", "NaN", "inf", "1,23,456.7", "€"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_number(text)


def test_a_column_tells_its_decimal_mark_by_its_clear_values() -> None:
    assert writes_decimal_comma(["1.234", "17", "3,5"], default=False)


@given(st.decimals(-(10**12), 10**12, places=4))
def test_amounts_keep_four_decimals(amount: Decimal) -> None:
    assert parse_amount(str(amount)) == int(amount * 10_000)


def test_an_amount_too_large_to_keep_is_refused() -> None:
    with pytest.raises(BadValue, match="too large"):
        parse_amount("1" + "0" * 15)


@pytest.mark.parametrize(("text", "share"), [("0.15", 0.15), ("15%", 0.15), ("0", 0.0)])
def test_discounts_are_shares(text: str, share: float) -> None:
    assert parse_share(text) == share


def test_counts_are_whole_and_not_negative() -> None:
    with pytest.raises(BadValue):
        parse_count("-1")


def test_a_moment_is_kept_in_utc() -> None:
    assert parse_moment("2026-01-05T10:00:00+02:00") == "2026-01-05 08:00:00.000000"


@given(st.text(max_size=30))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    for parse in (parse_date, parse_moment, parse_amount, parse_number, parse_count):
        with suppress(BadValue):
            assert parse(text) is not None


@given(
    st.lists(
        st.one_of(
            st.decimals(min_value=-(10**11) + 1, max_value=10**11 - 1, places=4).map(lambda value: f"{value:f}"),
            st.sampled_from(["0", "-0.00005", "1,5", "12.", "", "1e3", "99999999999.9999", "7\n"]),
        ),
        max_size=20,
    )
)
def test_plain_amounts_are_what_one_by_one_reading_gives(texts: list[str]) -> None:
    found = plain_amounts(texts)
    assert found is None or found == [parse_amount(text) for text in texts]


def test_a_column_of_plain_amounts_is_read_at_once() -> None:
    assert plain_amounts(["1", "2.5", "-3.0001", "99999999999.9999"]) == [10000, 25000, -30001, 999999999999999]
