"""Writing every account's score: only rows that differ are touched, so that lists that follow them stay quick."""

from typing import Any, cast

import numpy as np
from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from abm.scorecards.measures import Floats, fetch_rows
from abm.scorecards.models import AccountScore
from abm.scorecards.scoring import Ints, Scores

_TABLE = cast(Table, AccountScore.__table__)
_NAMES = ("score", "coverage", "membership", "place")
_BATCH = 5_000


def write_scores(session: Session, *, version_id: int, account_ids: Ints, scores: Scores) -> None:
    """Bring the stored rows of a version to these scores."""
    place = np.where(scores.place > 0, scores.place, np.nan)
    wanted = np.column_stack([account_ids, scores.score, scores.coverage, scores.membership, place])
    query = select(AccountScore.account_id, *(_TABLE.c[name] for name in _NAMES)).where(
        AccountScore.version_id == version_id).order_by(AccountScore.account_id)
    there = fetch_rows(session, query, 1 + len(_NAMES))
    is_new = ~np.isin(wanted[:, 0], there[:, 0])
    gone = there[~np.isin(there[:, 0], wanted[:, 0]), 0]
    kept = wanted[~is_new]
    before = there[np.isin(there[:, 0], wanted[:, 0])]
    changed = kept[~np.isclose(kept, before, rtol=0, atol=1e-12, equal_nan=True).all(axis=1)]
    _execute(session, insert(_TABLE), version_id, wanted[is_new], "account_id")
    own = (_TABLE.c.version_id == version_id) & (_TABLE.c.account_id == bindparam("own_id"))
    _execute(session, update(_TABLE).where(own), version_id, changed, "own_id")
    forget = delete(_TABLE).where(_TABLE.c.version_id == version_id, _TABLE.c.account_id == bindparam("own_id"))
    for start in range(0, len(gone), _BATCH):
        session.connection().execute(forget, [{"own_id": int(one)} for one in gone[start:start + _BATCH]])


def _execute(session: Session, statement: Any, version_id: int, rows: Floats, key: str) -> None:
    """Once per row; whole numbers as such, NaN as NULL."""
    for start in range(0, len(rows), _BATCH):
        session.connection().execute(statement, [
            {"version_id": version_id, key: int(account_id), "score": _known(score), "coverage": coverage,
             "membership": _known(membership), "place": None if place != place else int(place)}
            for account_id, score, coverage, membership, place in rows[start:start + _BATCH].tolist()])


def _known(number: float) -> float | None:
    return None if number != number else number
