"""One analysis, from order days to a row per account (or other thing) and the totals. No database, no clock."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from abm.analysis import rfm, rhythm
from abm.analysis.abc_xyz import (
    DEFAULTS,
    Floats,
    Ints,
    Period,
    Ranking,
    Texts,
    coefficients_of_variation,
    period_numbers,
    proposed_period,
    rank_by_value,
    xyz_classes,
)
from abm.analysis.modelling import Models, model_columns, model_customers
from abm.analysis.order_days import OrderDays, number_of
from abm.analysis.segments import segments
from abm.analysis.share_growth import ShareGrowth, share_and_growth, year_sums
from abm.analysis.thresholds import Thresholds

Columns = dict[str, Any]
Scores = tuple[Ints, Ints, Ints]


@dataclass(frozen=True)
class Question:
    """What is asked of the orders. `as_of` None: the day of the last order; `period` None: the proposal."""

    as_of: date | None = None
    from_on: date | None = None
    period: Period | None = None
    lines: Thresholds = DEFAULTS
    value_kind: str = "revenue"
    has_customers: bool = True


@dataclass(frozen=True)
class Sums:
    """What every rule starts from, one entry per account."""

    orders: Ints
    value: Floats
    total: float
    ranking: Ranking
    order_days: Ints
    first: Ints
    last: Ints


@dataclass(frozen=True)
class Steadiness:
    """`sums[i]` is what account `account[i]` brought in calendar period `period_of[i]`, empty ones left out."""

    period: Period
    periods: int
    sums: Floats
    account: Ints
    period_of: Ints
    cv: Floats
    xyz: Texts
    is_new: Any


@dataclass(frozen=True)
class Silence:
    """The rhythm and its doubts, one entry per account."""

    since_last: Ints
    median_gap: Floats
    overdue: Floats
    labels: Texts
    seasonal_years: Ints
    recent_gap: Floats
    median_of_all: float | None


@dataclass(frozen=True)
class Parts:
    """Everything that was computed, as arrays."""

    end: int
    sums: Sums
    steady: Steadiness
    silence: Silence
    segments: Texts
    portfolio: ShareGrowth
    models: Models
    scores: Scores


def compute_classes(days: OrderDays, question: Question) -> tuple[int, Sums, Steadiness, Silence, Scores]:
    """Classes, rhythm and RFM scores; the first is the day looked from."""
    end = number_of(question.as_of) if question.as_of else int(days.day.max())
    sums = _sums(days, question.lines)
    silence = _silence(days, sums, end, question.lines)
    steady = _steadiness(days, sums, question.period or proposed_period(silence.median_of_all), question.lines)
    scores = (rfm.scores(-silence.since_last), rfm.scores(sums.orders), rfm.scores(sums.value))
    return end, sums, steady, silence, scores


def compute_parts(days: OrderDays, question: Question) -> Parts:
    """Compute at least one order day."""
    end, sums, steady, silence, scores = compute_classes(days, question)
    years = year_sums(days, end)
    return Parts(end, sums, steady, silence, segments(*scores), share_and_growth(*years, question.lines),
                 model_customers(days, sums.order_days, sums.first, end, question), scores)


def _sums(days: OrderDays, lines: Thresholds) -> Sums:
    count = len(days.account_ids)
    starts = np.flatnonzero(np.r_[True, days.account[1:] != days.account[:-1]])
    ends = np.r_[starts[1:], len(days.account)] - 1
    value = np.add.reduceat(days.value, starts)
    return Sums(
        orders=np.add.reduceat(days.orders, starts), value=value / days.scale,
        total=float(value.sum() / days.scale),
        ranking=rank_by_value(value, days.external_ids, lines),
        order_days=np.bincount(days.account, minlength=count), first=days.day[starts], last=days.day[ends],
    )


def _silence(days: OrderDays, sums: Sums, end: int, lines: Thresholds) -> Silence:
    count = len(days.account_ids)
    gaps, gap_account = rhythm.gaps_between(days.day, days.account)
    median_gap = rhythm.medians_by_account(gaps, gap_account, count)
    since_last = end - sums.last
    overdue = since_last / median_gap
    return Silence(
        since_last, median_gap, overdue, rhythm.rhythm_labels(overdue, sums.order_days, lines),
        rhythm.seasonal_years(days.day, days.account, median_gap, end),
        rhythm.recent_gaps(days.day, days.account, count),
        float(np.median(gaps)) if gaps.size else None)


def _steadiness(days: OrderDays, sums: Sums, period: Period, lines: Thresholds) -> Steadiness:
    numbers = _periods_of(days.day, period)
    first, last = int(numbers.min()), int(numbers.max())
    periods = last - first + 1
    key = days.account.astype(np.int64) * periods
    key += numbers
    key -= first
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    period_sums = np.add.reduceat(days.value, starts) / days.scale
    account = days.account[starts]
    cv = coefficients_of_variation(period_sums, account, len(days.account_ids), periods)
    own_periods = last - period_numbers(sums.first, period) + 1
    return Steadiness(period, periods, period_sums, account, numbers[starts], cv, xyz_classes(cv, lines),
                      own_periods < lines.new_below_periods)


def _periods_of(day: Ints, period: Period) -> Ints:
    """Calendar periods by a table of all days between the first and the last, which are few."""
    low = int(day.min())
    table = period_numbers(np.arange(low, int(day.max()) + 1), period).astype(np.int32)
    return table[day - low]


def result_columns(parts: Parts) -> Columns:
    """The columns of the result table, one entry per account; NaN and "" where there is nothing."""
    sums, silence, portfolio = parts.sums, parts.silence, parts.portfolio
    abc, xyz = sums.ranking.abc, parts.steady.xyz
    r, f, m = parts.scores
    return {
        "orders": sums.orders, "value": sums.value, "share": sums.ranking.share,
        "cumulative_share": sums.ranking.cumulative_share, "abc": abc, "cv": parts.steady.cv, "xyz": xyz,
        "is_new": parts.steady.is_new, "cell": np.where((abc != "") & (xyz != ""), np.char.add(abc, xyz), ""),
        "recency_days": silence.since_last, "frequency": sums.orders, "monetary": sums.value, "r": r, "f": f, "m": m,
        "order_days": sums.order_days, "median_gap_days": silence.median_gap, "days_since_last": silence.since_last,
        "overdue_ratio": silence.overdue, "rhythm": silence.labels, **model_columns(parts.models, len(sums.orders)),
        "first_on": sums.first.astype("datetime64[D]"), "last_on": sums.last.astype("datetime64[D]"),
        "key_membership": sums.ranking.membership, "segment": parts.segments,
        "seasonal_years": silence.seasonal_years, "recent_gap_days": silence.recent_gap,
        "year_value": portfolio.year, "year_before_value": portfolio.year_before,
        "relative_share": portfolio.relative_share, "quadrant": portfolio.quadrant,
    }


def plain(values: Any) -> list[Any]:
    """Python's own numbers, texts and dates; None in place of NaN (which is unlike itself) and of empty text."""
    listed: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        return [None if number != number else number for number in listed]
    return [one or None for one in listed] if values.dtype.kind == "U" else listed
