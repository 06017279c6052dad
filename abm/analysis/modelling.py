"""The two models of customers together: who still is one (BG/NBD) and what an order day will bring (Gamma-Gamma).

Expected value of the next year = expected order days (BG/NBD) times expected value of an order day (Gamma-Gamma).
Either model that does not fit leaves its columns empty; pages then go by the rhythm alone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abm.analysis import bgnbd, gamma_gamma
from abm.analysis.abc_xyz import Floats, Ints
from abm.analysis.order_days import OrderDays

if TYPE_CHECKING:
    from abm.analysis.computing import Question

NEXT_YEAR_DAYS = 365


@dataclass(frozen=True)
class Models:
    """The fits, and what follows for each account; None where a model is not to be used."""

    leaving: bgnbd.Fit | None = None
    spend: gamma_gamma.Spend | None = None
    is_spend_used: bool = False
    p_alive: Floats | None = None
    expected_orders: Floats | None = None
    expected_value: Floats | None = None


def model_customers(days: OrderDays, order_days: Ints, first: Ints, end: int, question: "Question") -> Models:
    """Fit both models to the customers; nothing for products and regions, which do not leave."""
    if not question.has_customers:
        return Models()
    ends = np.cumsum(order_days) - 1
    x, last = order_days - 1, days.day[ends]
    customers = (x, last - first, end - first)
    leaving = bgnbd.fit(*customers)
    mean_value = repeat_means(days, order_days)
    spend = gamma_gamma.fit(x, mean_value) if question.value_kind != "orders" else None
    most = question.lines.most_correlation
    is_used = bool(spend and spend.is_identifiable and spend.correlation is not None
                   and abs(spend.correlation) <= most)
    if leaving is None or not leaving.is_identifiable:
        return Models(leaving, spend, is_used)
    expected = bgnbd.expected_orders(leaving, *customers, ahead_days=NEXT_YEAR_DAYS)
    value = expected * gamma_gamma.expected_mean_value(spend, x, mean_value) if spend and is_used else None
    return Models(leaving, spend, is_used, bgnbd.p_alive(leaving, *customers), expected, value)


def repeat_means(days: OrderDays, order_days: Ints) -> Floats:
    """Mean value of each account's order days after its first; 0 where there is none."""
    starts = np.cumsum(order_days) - order_days
    value = (np.add.reduceat(days.value, starts) - days.value[starts]) / days.scale
    means: Floats = np.divide(value, order_days - 1, out=np.zeros(len(order_days)), where=order_days > 1)
    return means


def model_columns(models: Models, accounts: int) -> dict[str, Floats]:
    """The models' columns of the result table; NaN where a model is not to be used."""
    nothing = np.full(accounts, np.nan)
    columns = {"p_alive": models.p_alive, "expected_orders_12m": models.expected_orders,
               "expected_value_12m": models.expected_value}
    return {name: nothing if values is None else values for name, values in columns.items()}
