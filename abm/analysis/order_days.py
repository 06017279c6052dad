"""Order days of a whole portfolio as arrays; days count from 1970-01-01."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from abm.analysis.abc_xyz import Ints

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class OrderDays:
    """Order days sorted by account, then day. `account[i]` is a position in `account_ids` and `external_ids`; days
    count from 1970-01-01; `value` is to be divided by `scale` (amounts are whole ten-thousandths)."""

    account_ids: list[int]
    external_ids: list[str]
    account: Ints
    day: Ints
    orders: Ints
    value: NDArray[np.number]
    scale: int


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def number_of(day: date) -> int:
    return (day - EPOCH).days
