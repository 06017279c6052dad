"""What a run tells about the whole: the totals of the contract, and the facts that pages show beside them."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from abm.analysis import concentration, rfm, rhythm, share_growth
from abm.analysis.abc_xyz import Period, period_label, proposed_period
from abm.analysis.computing import Columns, Parts, Question, Steadiness, compute_parts, result_columns
from abm.analysis.modelling import Models
from abm.analysis.order_days import OrderDays, day_of
from abm.analysis.segments import SEGMENTS


@dataclass(frozen=True)
class Analysis:
    """`columns` bear the names of the result table, one entry per account in the order of `account_ids`; `totals` are
    the contract's, `facts` what pages show beside them."""

    account_ids: list[int]
    external_ids: list[str]
    labels: list[str]
    as_of: date
    period: Period
    columns: Columns
    totals: dict[str, Any]
    facts: dict[str, Any]
    fingerprint: str


def analyse(days: OrderDays, question: Question) -> Analysis:
    """Analyse at least one order day."""
    parts = compute_parts(days, question)
    as_of = day_of(parts.end)
    totals = {"as_of": as_of.isoformat(), "from": (question.from_on or day_of(parts.sums.first.min())).isoformat(),
              **_totals(parts, question)}
    return Analysis(days.account_ids, days.external_ids, list(days.labels) or days.external_ids, as_of,
                    parts.steady.period, result_columns(parts), totals, _facts(parts, question), days.fingerprint())


def _totals(parts: Parts, question: Question) -> dict[str, Any]:
    sums, model = parts.sums, parts.models.leaving
    return {
        "period": parts.steady.period.value, "accounts": len(sums.orders), "orders": int(sums.orders.sum()),
        "value": sums.total, "abc": _counts(sums.ranking.abc, "ABC"), "xyz": _counts(parts.steady.xyz, "XYZ"),
        "top20_share": concentration.top_share(sums.value, question.lines.top_share),
        "gini": concentration.gini(sums.value),
        "rhythm": _counts(parts.silence.labels, [one.value for one in rhythm.Rhythm]),
        "bgnbd": {
            "r": model and model.r, "alpha": model and model.alpha, "a": model and model.a, "b": model and model.b,
            "log_likelihood": model and model.log_likelihood, "identifiable": bool(model and model.is_identifiable),
        },
    }


def _facts(parts: Parts, question: Question) -> dict[str, Any]:
    sums, steady, median_gap = parts.sums, parts.steady, parts.silence.median_of_all
    ranked, top = int((sums.value > 0).sum()), question.lines.top_share
    cells = np.char.add(sums.ranking.abc, steady.xyz)
    return {
        "periods": steady.periods, "median_gap_days": median_gap, "proposed_period": proposed_period(median_gap).value,
        "ranked": ranked, "new_accounts": int(steady.is_new.sum()),
        "cells": _groups(cells, sums.value, [a + x for a in "ABC" for x in "XYZ"]),
        "top20_count": concentration.top_count(ranked, top),
        "lorenz": concentration.lorenz_points(sums.value, part=top),
        "quintiles": {"r": (-rfm.quintile_lines(-parts.silence.since_last)).tolist(),
                      "f": rfm.quintile_lines(sums.orders).tolist(), "m": rfm.quintile_lines(sums.value).tolist()},
        "dropout_per_order": parts.models.leaving and parts.models.leaving.dropout_per_order,
        "segments": _groups(parts.segments, sums.value, list(SEGMENTS)),
        "scores": _scores(parts),
        "quadrants": _groups(parts.portfolio.quadrant, parts.portfolio.year, list(share_growth.QUADRANTS)),
        "by_period": _by_period(steady, top),
        "seasonal": _seasonal(parts, question), "spend": _spend(parts.models),
    }


def _by_period(steady: Steadiness, top: float) -> list[dict[str, Any]]:
    """Concentration within every calendar period."""
    return [{"label": period_label(number, steady.period), "accounts": count, "top_share": share, "gini": gini}
            for number, count, share, gini in concentration.by_period(steady.sums, steady.period_of, top)]


def _groups(labels: Any, value: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    """Accounts, value and what those bring that bring anything, of each name that occurs."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        is_it = labels == name
        if is_it.any():
            own = value[is_it]
            found[name] = {"accounts": int(is_it.sum()), "value": float(own.sum()), "gain": float(own[own > 0].sum())}
    return found


def _scores(parts: Parts) -> list[dict[str, Any]]:
    """Accounts and value by recency and frequency score."""
    r, f, _m = parts.scores
    cell = r * 10 + f
    return [{"r": int(one // 10), "f": int(one % 10), "accounts": int((cell == one).sum()),
             "value": float(parts.sums.value[cell == one].sum())} for one in np.unique(cell)]


def _seasonal(parts: Parts, question: Question) -> dict[str, int]:
    """How many of those that lapsed or slow down pause at this time of the year as they always did."""
    is_habit = parts.silence.seasonal_years >= question.lines.season_years
    return {name: int((is_habit & (parts.silence.labels == name)).sum()) for name in ("slowing", "lapsed")}


def _spend(models: Models) -> dict[str, Any] | None:
    return {**asdict(models.spend), "is_used": models.is_spend_used} if models.spend else None


def _counts(labels: Any, names: Any) -> dict[str, int]:
    return {name: int((labels == name).sum()) for name in names}
