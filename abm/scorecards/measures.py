"""What accounts can be measured by: the registry that criteria choose from. A higher area adds its own with a line.

    register(MEASURES, load)

`load(session, names, as_of)` answers one row per account that has any of them: the account's internal id, then a column
per name in the given order, NaN where there is no value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select
from sqlalchemy.orm import Session

Floats = NDArray[np.float64]
Load = Callable[[Session, Sequence[str], date | None], Floats]


@dataclass(frozen=True, slots=True)
class Measure:
    """`kind` says how a value is shown (number, money, percent, decimal, days). `direction`: which way is better as a
    rule. `is_past`: it can be computed as of a past day. `missing`: the value of accounts that have no row."""

    name: str
    label: str
    group: str
    kind: str = "number"
    direction: str = "up"
    is_past: bool = False
    missing: float = float("nan")


@dataclass(frozen=True, slots=True)
class _Group:
    names: tuple[str, ...]
    load: Load


MEASURES: dict[str, Measure] = {}
_GROUPS: list[_Group] = []
_OF_CUSTOM_FIELDS: list[Load] = []


def register(measures: Sequence[Measure], load: Load) -> None:
    """Make measures known; a repeat replaces those of the same names."""
    names = tuple(measure.name for measure in measures)
    _GROUPS[:] = [group for group in _GROUPS if not set(group.names) & set(names)]
    _GROUPS.append(_Group(names, load))
    MEASURES.update({measure.name: measure for measure in measures})


def register_custom_fields(load: Load) -> None:
    """How `custom.…` names are read."""
    _OF_CUSTOM_FIELDS[:] = [load]


def find_measure(name: str) -> Measure:
    """The measure called so; a custom field, or one that this version no longer has, is shown by its name."""
    return MEASURES.get(name) or Measure(name, name.removeprefix("custom.").replace("_", " "), "Custom fields",
                                         "decimal")


def load_measures(session: Session, *, names: Sequence[str], account_ids: NDArray[np.int64],
                  as_of: date | None = None) -> Floats:
    """A row per account id (which ascend), a column per name. A few queries, whatever the number of accounts."""
    values = np.full((len(account_ids), len(names)), np.nan)
    for names_of, load in _loads(names):
        rows = load(session, names_of, as_of)
        place = np.searchsorted(account_ids, rows[:, 0])
        place = np.minimum(place, max(len(account_ids) - 1, 0))
        is_ours = account_ids[place] == rows[:, 0] if len(account_ids) else np.zeros(len(rows), dtype=bool)
        for column, name in enumerate(names_of, start=1):
            target = names.index(name)
            values[:, target] = find_measure(name).missing
            values[place[is_ours], target] = rows[is_ours, column]
    return values


def _loads(names: Sequence[str]) -> list[tuple[list[str], Load]]:
    found = [([name for name in dict.fromkeys(names) if name in group.names], group.load) for group in _GROUPS]
    custom = [name for name in dict.fromkeys(names) if name.startswith("custom.")]
    if custom and _OF_CUSTOM_FIELDS:
        found.append((custom, _OF_CUSTOM_FIELDS[0]))
    return [(own, load) for own, load in found if own]


def fetch_rows(session: Session, query: Select[*tuple[Any, ...]], width: int) -> Floats:
    """All rows of a query as numbers, NULL as NaN."""
    rows = session.connection().execute(query).fetchall()
    if not rows:
        return np.empty((0, width))
    return np.array([tuple(row) for row in rows], dtype=np.float64)
