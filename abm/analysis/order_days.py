"""Order days of a whole portfolio as arrays; days count from 1970-01-01."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from abm.analysis.abc_xyz import Ints

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class OrderDays:
    """Order days sorted by account, then day. `account[i]` is a position in `account_ids` and `external_ids`; days
    count from 1970-01-01; `value` is to be divided by `scale` (amounts are whole ten-thousandths).

    For another factor than the account, "account" stands for its things (products, regions): `account_ids` are then
    the ids of these things, `external_ids` their keys, `labels` their names.
    """

    account_ids: list[int]
    external_ids: list[str]
    account: Ints
    day: Ints
    orders: Ints
    value: NDArray[np.number]
    scale: int
    labels: Sequence[str] = ()

    def fingerprint(self) -> str:
        """The same for the same orders, whatever ids our database gave the accounts."""
        digest = hashlib.blake2b("\n".join(self.external_ids).encode("utf-8", "surrogatepass"), digest_size=16)
        for part in (self.account, self.day, self.orders, self.value):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()


def regrouped(days: OrderDays, group: Ints, keys: Sequence[str], labels: Sequence[str],
              ids: Sequence[int]) -> OrderDays:
    """The same order days added up by `group[account]` (a position in `keys`); days that coincide become one."""
    key = group.astype(np.int64)[days.account] * _DAY_SPAN + days.day
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    present, position = np.unique(key[starts] // _DAY_SPAN, return_inverse=True)
    day = days.day[order][starts]
    return OrderDays(
        account_ids=[ids[one] for one in present], external_ids=[keys[one] for one in present],
        account=position.astype(np.int32), day=day, orders=np.add.reduceat(days.orders[order], starts),
        value=np.add.reduceat(days.value[order], starts), scale=days.scale, labels=[labels[one] for one in present],
    )


_DAY_SPAN = 10_000_000


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def number_of(day: date) -> int:
    return (day - EPOCH).days
