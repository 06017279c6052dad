"""The product's own statistics against published numbers, another library, and simulated experiments."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from campaigns.experiments import (
    Amounts,
    Difference,
    Rate,
    check_split,
    chi_squared_tail,
    compare_amounts,
    compare_rates,
    smallest_amount_effect,
    smallest_rate_effect,
    wilson_interval,
)

# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10 (score without continuity correction)
NEWCOMBE = [
    (Rate(70, 56), Rate(80, 48), (0.0524, 0.3339)),
    (Rate(10, 9), Rate(10, 3), (0.1705, 0.8090)),
    (Rate(7, 6), Rate(7, 2), (0.0582, 0.8062)),
    (Rate(56, 5), Rate(29, 0), (-0.0381, 0.1926)),
    (Rate(10, 0), Rate(20, 0), (-0.1611, 0.2775)),
    (Rate(10, 0), Rate(10, 0), (-0.2775, 0.2775)),
    (Rate(10, 10), Rate(20, 0), (0.6791, 1.0)),
    (Rate(10, 10), Rate(10, 0), (0.6075, 1.0)),
]


@pytest.mark.parametrize(("first", "second", "ends"), NEWCOMBE)
def test_the_interval_of_two_shares_is_the_published_one(first: Rate, second: Rate, ends: tuple[float, float]) -> None:
    found = compare_rates(first, second)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(ends, abs=6e-5)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_an_interval_holds_its_difference_and_turns_round_with_the_groups(size: int, other: int, data: st.DataObject,
                                                                          ) -> None:
    first, second = Rate(size, data.draw(st.integers(0, size))), Rate(other, data.draw(st.integers(0, other)))
    found, turned = compare_rates(first, second), compare_rates(second, first)
    assert found is not None
    assert turned is not None
    assert -1 - 1e-9 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1 + 1e-9
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert 0 <= found.p_value <= 1


def test_one_share_has_the_interval_of_another_library() -> None:
    known = stats.binomtest(15, 148).proportion_ci(method="wilson")
    assert wilson_interval(Rate(148, 15)) == pytest.approx((known.low, known.high))


def test_the_test_of_two_shares_is_that_of_the_fourfold_table() -> None:
    known = stats.chi2_contingency([[30, 70], [20, 80]], correction=False)
    found = compare_rates(Rate(100, 30), Rate(100, 20))
    assert found is not None
    assert found.p_value == pytest.approx(known.pvalue)


@pytest.mark.parametrize(("first", "second"), [
    ([0, 0, 120.5, 80, 0, 33], [0, 10, 0, 0]),
    ([27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4],
     [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4]),
])
def test_means_are_compared_as_another_library_does(first: list[float], second: list[float]) -> None:
    known = stats.ttest_ind(first, second, equal_var=False)
    ends = known.confidence_interval(0.95)
    found = compare_amounts(amounts(first), amounts(second))
    assert found is not None
    assert (found.low, found.high, found.p_value) == pytest.approx((ends.low, ends.high, known.pvalue))


@pytest.mark.parametrize("freedom", range(1, 9))
@pytest.mark.parametrize("value", [0, 0.3, 3.84, 11, 40])
def test_the_tail_of_chi_squared_is_that_of_another_library(value: float, freedom: int) -> None:
    assert chi_squared_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom))


@pytest.mark.parametrize(("observed", "shares", "is_uneven"), [
    ({"treated": 903, "held out": 97}, {"treated": 90, "held out": 10}, False),
    ({"treated": 950, "held out": 50}, {"treated": 90, "held out": 10}, True),
    ({"a": 0, "b": 30}, {"a": 50, "b": 50}, True),
])
def test_a_split_that_chance_does_not_make_is_called_uneven(observed: dict[str, int], shares: dict[str, float],
                                                            is_uneven: bool) -> None:
    found = check_split(observed, shares)
    assert found is not None
    known = stats.chisquare([observed[name] for name in shares],
                            [sum(observed.values()) * share / 100 for share in shares.values()])
    assert (found.chi_squared, found.p_value) == pytest.approx((known.statistic, known.pvalue))
    assert found.is_uneven is is_uneven


def test_what_cannot_be_compared_is_none() -> None:
    assert compare_rates(Rate(10, 3), Rate(0, 0)) is None
    assert compare_amounts(Amounts(1, 5, 25), Amounts(9, 5, 25)) is None
    assert check_split({"a": 3}, {"a": 1}) is None
    assert smallest_rate_effect(900, 0, 0.1) is None
    assert smallest_rate_effect(5, 1, 0.5) is None


# Fleiss, Levin and Paik 2003, table A.4 holds sizes with continuity correction; these are the plain ones that
# power.prop.test of R gives: 80 % power, two-sided 5 %, equal groups.
@pytest.mark.parametrize(("size", "base", "raised"), [(199.02, 0.10, 0.20), (387.34, 0.50, 0.60), (434.43, 0.05, 0.10)])
def test_the_smallest_effect_is_the_one_that_such_groups_are_made_for(size: float, base: float, raised: float) -> None:
    found = smallest_rate_effect(round(size), round(size), base)
    assert found == pytest.approx(raised - base, abs=2e-4)


def test_an_effect_of_the_smallest_size_is_seen_in_four_of_five_experiments() -> None:
    rng, sizes = np.random.default_rng(11), (1_800, 200)
    effect = smallest_rate_effect(*sizes, 0.2)
    assert effect is not None
    seen = sum(is_seen(compare_rates(Rate(sizes[0], int(one)), Rate(sizes[1], int(two))))
               for one, two in zip(rng.binomial(sizes[0], 0.2 + effect, 2_000), rng.binomial(sizes[1], 0.2, 2_000),
                                   strict=True))
    assert 0.77 <= seen / 2_000 <= 0.83
    assert smallest_amount_effect(100, 100, 10) == pytest.approx(2.8016 * 10 * np.sqrt(0.02), rel=1e-4)


@pytest.mark.parametrize(("treated", "held_out", "rate"), [(900, 100, 0.2), (450, 50, 0.4), (5_000, 5_000, 0.01)])
def test_rates_of_two_equal_groups_differ_by_chance_in_five_of_a_hundred_experiments(treated: int, held_out: int,
                                                                                     rate: float) -> None:
    """An A/A simulation: 4,000 experiments without any effect. Three standard errors of 5 % are 1.03 points."""
    rng, rounds = np.random.default_rng(2008), 4_000
    found = [compare_rates(Rate(treated, int(one)), Rate(held_out, int(two))) for one, two in zip(
        rng.binomial(treated, rate, rounds), rng.binomial(held_out, rate, rounds), strict=True)]
    assert sum(map(is_seen, found)) / rounds == pytest.approx(0.05, abs=0.0125)
    assert sum(one is not None and one.p_value < 0.05 for one in found) / rounds == pytest.approx(0.05, abs=0.0125)


def test_amounts_of_two_equal_groups_differ_by_chance_in_five_of_a_hundred_experiments() -> None:
    """Order values: most accounts order nothing, the others log-normal amounts."""
    rng, rounds = np.random.default_rng(64_000), 2_000
    values = np.where(rng.random((rounds, 2_000)) < 0.3, rng.lognormal(6, 0.8, (rounds, 2_000)), 0.0)
    found = [compare_amounts(amounts(row[:1_400]), amounts(row[1_400:])) for row in values]
    assert sum(map(is_seen, found)) / rounds == pytest.approx(0.05, abs=0.015)


def test_splits_as_drawn_are_called_uneven_in_one_of_a_thousand() -> None:
    rng = np.random.default_rng(5)
    found = [check_split({"a": int(one), "b": 1_000 - int(one)}, {"a": 9, "b": 1})
             for one in rng.binomial(1_000, 0.9, 5_000)]
    assert sum(one is not None and one.is_uneven for one in found) <= 15
    assert sum(one is not None and one.p_value < 0.05 for one in found) / 5_000 == pytest.approx(0.05, abs=0.012)


def read_hillstrom() -> dict[str, dict[str, float]]:
    with open(Path(__file__).parent / "published" / "hillstrom_2008.csv", encoding="utf-8") as lines:
        return {row.pop("segment"): {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(lines)}


# What the author published: visits, buyers in per cent of the customers, and spend per customer.
@pytest.mark.parametrize(("segment", "visit", "conversion", "spend"), [
    ("No E-Mail", 10.62, 0.57, 0.65), ("Mens E-Mail", 18.28, 1.25, 1.42), ("Womens E-Mail", 15.14, 0.88, 1.08)])
def test_the_published_experiment_has_its_published_rates(segment: str, visit: float, conversion: float,
                                                          spend: float) -> None:
    row = read_hillstrom()[segment]
    size = row["customers"]
    assert (100 * row["visits"] / size, 100 * row["conversions"] / size, row["spend"] / size) == pytest.approx(
        (visit, conversion, spend), abs=0.00501)


# Spend: as scipy's Welch test says of the 64,000 rows themselves.
@pytest.mark.parametrize(("segment", "visits", "buyers", "spend", "spend_ends"), [
    ("Mens E-Mail", 0.0766, 0.0068, 0.7698, (0.4851, 1.0545)),
    ("Womens E-Mail", 0.0452, 0.0031, 0.4244, (0.1690, 0.6799))])
def test_the_published_experiment_has_its_known_effects(segment: str, visits: float, buyers: float, spend: float,
                                                        spend_ends: tuple[float, float]) -> None:
    rows = read_hillstrom()
    one, none = rows[segment], rows["No E-Mail"]
    for kind, expected in (("visits", visits), ("conversions", buyers)):
        found = compare_rates(*(Rate(int(row["customers"]), int(row[kind])) for row in (one, none)))
        assert found is not None
        assert found.value == pytest.approx(expected, abs=6e-5)
        assert not found.includes_none
    money = compare_amounts(*(Amounts(int(row["customers"]), row["spend"], row["spend_squared"])
                              for row in (one, none)))
    assert money is not None
    assert (money.value, money.low, money.high) == pytest.approx((spend, *spend_ends), abs=6e-5)


def test_the_published_experiment_was_split_evenly() -> None:
    split = check_split({name: int(row["customers"]) for name, row in read_hillstrom().items()},
                        dict.fromkeys(read_hillstrom(), 1))
    assert split is not None
    assert split.p_value == pytest.approx(0.9037, abs=1e-3)
    assert not split.is_uneven


def amounts(values: object) -> Amounts:
    row = np.asarray(values, dtype=float)
    return Amounts(len(row), float(row.sum()), float((row * row).sum()))


def is_seen(found: Difference | None) -> bool:
    return found is not None and not found.includes_none
