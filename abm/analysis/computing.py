"""One analysis, from order days to a row per account and the totals. No database, no clock."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from abm.analysis import bgnbd, concentration, rfm, rhythm
from abm.analysis.abc_xyz import (
    NEW_BELOW_PERIODS,
    Floats,
    Ints,
    Period,
    Ranking,
    coefficients_of_variation,
    period_numbers,
    proposed_period,
    rank_by_value,
    xyz_classes,
)
from abm.analysis.order_days import OrderDays, day_of, number_of

NEXT_YEAR_DAYS = 365
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Analysis:
    """`columns` bear the names of the result table, one entry per account in the order of `account_ids`; `totals` are
    the contract's, `facts` what pages show beside them."""

    account_ids: list[int]
    as_of: date
    period: Period
    columns: Columns
    totals: dict[str, Any]
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Sums:
    """What every rule starts from, one entry per account."""

    orders: Ints
    value: Floats
    total: float
    ranking: Ranking
    order_days: Ints
    first: Ints
    last: Ints


@dataclass(frozen=True)
class _Steadiness:
    period: Period
    periods: int
    cv: Floats
    xyz: Any
    is_new: Any


def analyse(days: OrderDays, *, as_of: date | None, from_on: date | None, period: Period | None) -> Analysis:
    """Analyse at least one order day. `as_of` None: the day of the last order; `period` None: the proposal."""
    end = number_of(as_of) if as_of else int(days.day.max())
    sums = _sums(days)
    gaps, gap_account = rhythm.gaps_between(days.day, days.account)
    median_of_all = float(np.median(gaps)) if gaps.size else None
    steady = _steadiness(days, sums, period or proposed_period(median_of_all))
    since_last = end - sums.last
    median_gap = rhythm.medians_by_account(gaps, gap_account, len(days.account_ids))
    overdue = since_last / median_gap
    labels = rhythm.rhythm_labels(overdue, sums.order_days)
    model = bgnbd.fit(sums.order_days - 1, sums.last - sums.first, end - sums.first)
    columns: Columns = {
        **_value_columns(sums, steady), **_rfm_columns(sums, since_last),
        "order_days": sums.order_days.tolist(), "first_on": [day_of(day) for day in sums.first],
        "last_on": [day_of(day) for day in sums.last], "median_gap_days": _known(median_gap),
        "days_since_last": since_last.tolist(), "overdue_ratio": _known(overdue), "rhythm": labels.tolist(),
        **_model_columns(model, sums, end),
    }
    totals = _totals(sums, steady, labels, model)
    totals.update({"as_of": day_of(end), "from": from_on or day_of(sums.first.min())})
    return Analysis(days.account_ids, day_of(end), steady.period, columns, _in_contract_order(totals),
                    _facts(sums, steady, since_last, median_of_all, model))


def _sums(days: OrderDays) -> _Sums:
    count = len(days.account_ids)
    starts = np.flatnonzero(np.r_[True, days.account[1:] != days.account[:-1]])
    ends = np.r_[starts[1:], len(days.account)] - 1
    value = np.add.reduceat(days.value, starts)
    return _Sums(
        orders=np.add.reduceat(days.orders, starts), value=value / days.scale,
        total=float(value.sum() / days.scale),
        ranking=rank_by_value(value, days.external_ids), order_days=np.bincount(days.account, minlength=count),
        first=days.day[starts], last=days.day[ends],
    )


def _steadiness(days: OrderDays, sums: _Sums, period: Period) -> _Steadiness:
    numbers = period_numbers(days.day, period)
    first, last = int(numbers.min()), int(numbers.max())
    periods = last - first + 1
    key = days.account * periods + numbers - first
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    period_sums = np.add.reduceat(days.value, starts) / days.scale
    cv = coefficients_of_variation(period_sums, days.account[starts], len(days.account_ids), periods)
    own_periods = last - period_numbers(sums.first, period) + 1
    return _Steadiness(period, periods, cv, xyz_classes(cv), own_periods < NEW_BELOW_PERIODS)


def _value_columns(sums: _Sums, steady: _Steadiness) -> Columns:
    abc, xyz = sums.ranking.abc.tolist(), steady.xyz.tolist()
    return {
        "orders": sums.orders.tolist(), "value": sums.value.tolist(), "share": _known(sums.ranking.share),
        "cumulative_share": _known(sums.ranking.cumulative_share), "abc": [one or None for one in abc],
        "cv": _known(steady.cv), "xyz": [one or None for one in xyz], "is_new": steady.is_new.tolist(),
        "cell": [a + x if a and x else None for a, x in zip(abc, xyz, strict=True)],
    }


def _rfm_columns(sums: _Sums, since_last: Ints) -> Columns:
    return {
        "recency_days": since_last.tolist(), "frequency": sums.orders.tolist(), "monetary": sums.value.tolist(),
        "r": rfm.scores(-since_last).tolist(), "f": rfm.scores(sums.orders).tolist(),
        "m": rfm.scores(sums.value).tolist(),
    }


def _model_columns(model: bgnbd.Fit | None, sums: _Sums, end: int) -> Columns:
    if model is None or not model.is_identifiable:
        nothing: list[Any] = [None] * len(sums.orders)
        return {"p_alive": nothing, "expected_orders_12m": nothing}
    customers = (sums.order_days - 1, sums.last - sums.first, end - sums.first)
    expected = bgnbd.expected_orders(model, *customers, ahead_days=NEXT_YEAR_DAYS)
    return {"p_alive": _known(bgnbd.p_alive(model, *customers)), "expected_orders_12m": _known(expected)}


def _totals(sums: _Sums, steady: _Steadiness, labels: Any, model: bgnbd.Fit | None) -> dict[str, Any]:
    return {
        "period": steady.period.value, "accounts": len(sums.orders), "orders": int(sums.orders.sum()),
        "value": sums.total, "abc": _counts(sums.ranking.abc, "ABC"), "xyz": _counts(steady.xyz, "XYZ"),
        "top20_share": concentration.top_share(sums.value), "gini": concentration.gini(sums.value),
        "rhythm": _counts(labels, [one.value for one in rhythm.Rhythm]),
        "bgnbd": {
            "r": model and model.r, "alpha": model and model.alpha, "a": model and model.a, "b": model and model.b,
            "log_likelihood": model and model.log_likelihood, "identifiable": bool(model and model.is_identifiable),
        },
    }


def _in_contract_order(totals: dict[str, Any]) -> dict[str, Any]:
    """The keys as the contract lists them; days as ISO text."""
    names = ("as_of", "from", "period", "accounts", "orders", "value", "abc", "xyz", "top20_share", "gini",
             "rhythm", "bgnbd")
    return {name: one.isoformat() if isinstance(one := totals[name], date) else one for name in names}


def _facts(sums: _Sums, steady: _Steadiness, since_last: Ints, median_gap: float | None,
           model: bgnbd.Fit | None) -> dict[str, Any]:
    cells = np.char.add(sums.ranking.abc, steady.xyz)
    return {
        "periods": steady.periods, "median_gap_days": median_gap, "proposed_period": proposed_period(median_gap).value,
        "ranked": int((sums.value > 0).sum()), "new_accounts": int(steady.is_new.sum()),
        "cells": {str(cell): {"accounts": int((cells == cell).sum()), "value": float(sums.value[cells == cell].sum())}
                  for cell in np.unique(cells) if len(cell) == 2},
        "top20_count": concentration.top_count(int((sums.value > 0).sum())),
        "lorenz": concentration.lorenz_points(sums.value),
        "quintiles": {"r": (-rfm.quintile_lines(-since_last)).tolist(), "f": rfm.quintile_lines(sums.orders).tolist(),
                      "m": rfm.quintile_lines(sums.value).tolist()},
        "dropout_per_order": model and model.dropout_per_order,
    }


def _counts(labels: Any, names: Any) -> dict[str, int]:
    return {name: int((labels == name).sum()) for name in names}


def _known(numbers: Floats) -> list[float | None]:
    """Plain numbers, None in place of NaN (which is unlike itself)."""
    return [None if number != number else number for number in numbers.tolist()]
