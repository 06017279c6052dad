"""Computing a scorecard for every account: a few queries and arrays, whatever the number of accounts."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.scorecards import account_measures, order_measures
from abm.scorecards.definition import Definition
from abm.scorecards.further import load_further_measures
from abm.scorecards.measures import Floats, load_measures
from abm.scorecards.models import ScorecardRating, ScorecardSnapshot
from abm.scorecards.scaling import scale_values
from abm.scorecards.scoring import Scores, score_accounts
from core import clock

Ints = NDArray[np.int64]
# Importing them makes their measures known.
BUILT_IN = (account_measures.FACTS, order_measures.ANALYSIS)
load_further_measures()


@dataclass(frozen=True)
class Values:
    """What the criteria of a definition are for every account: a row per account, a column per criterion."""

    account_ids: Ints
    raw: Floats
    scaled: Floats

    def score(self, definition: Definition) -> Scores:
        return score_accounts(self.scaled, definition, self.account_ids)

    def row_of(self, account_id: int) -> int | None:
        """Where an account stands; None where it came after the computing."""
        place = int(np.searchsorted(self.account_ids, account_id))
        return place if place < len(self.account_ids) and self.account_ids[place] == account_id else None


def compute_values(session: Session, *, scorecard_id: int, definition: Definition, as_of: date | None = None) -> Values:
    """Raw and scaled values now, or as of a past day (what people rated is always of today)."""
    ids = np.array(session.scalars(select(Account.id).order_by(Account.id)).all(), dtype=np.int64)
    names = list(dict.fromkeys(one.by for one in definition.criteria if not one.is_by_hand))
    measured = load_measures(session, names=names, account_ids=ids, as_of=as_of)
    rated = _load_ratings(session, scorecard_id, definition, ids)
    raw = np.column_stack([rated[one.id] if one.is_by_hand else measured[:, names.index(one.by)]
                           for one in definition.criteria])
    scaled = np.column_stack([scale_values(raw[:, place], one) for place, one in enumerate(definition.criteria)])
    return Values(ids, raw, scaled)


def _load_ratings(session: Session, scorecard_id: int, definition: Definition, ids: Ints) -> dict[str, Floats]:
    wanted = [one.id for one in definition.criteria if one.is_by_hand]
    rated = {name: np.full(len(ids), np.nan) for name in wanted}
    query = select(ScorecardRating.account_id, ScorecardRating.criterion, ScorecardRating.points).where(
        ScorecardRating.scorecard_id == scorecard_id, ScorecardRating.criterion.in_(wanted))
    rows = session.execute(query).all() if wanted else []
    places = np.searchsorted(ids, [row.account_id for row in rows])
    for place, row in zip(places.tolist(), rows, strict=True):
        rated[row.criterion][place] = row.points
    return rated


def keep_snapshot(session: Session, *, scorecard_id: int, definition: Definition, values: Values) -> None:
    """Store the values for previews and drawers."""
    key = (scorecard_id, definition.criteria_key)
    row = session.get(ScorecardSnapshot, key)
    if row is None:
        row = ScorecardSnapshot(scorecard_id=scorecard_id, criteria_key=definition.criteria_key)
        session.add(row)
    row.account_ids, row.computed_at = values.account_ids.tobytes(), clock.now()
    row.raw, row.scaled = values.raw.tobytes(), values.scaled.tobytes()
    session.flush()


def find_values(session: Session, *, scorecard_id: int, definition: Definition) -> Values | None:
    """The stored values of these criteria; None where they were not computed yet."""
    query = select(ScorecardSnapshot.account_ids, ScorecardSnapshot.raw, ScorecardSnapshot.scaled).where(
        ScorecardSnapshot.scorecard_id == scorecard_id, ScorecardSnapshot.criteria_key == definition.criteria_key)
    row = session.execute(query).first()
    if row is None:
        return None
    shape = (-1, len(definition.criteria))
    return Values(np.frombuffer(row.account_ids, dtype=np.int64), np.frombuffer(row.raw).reshape(shape),
                  np.frombuffer(row.scaled).reshape(shape))


def get_values(session: Session, *, scorecard_id: int, definition: Definition) -> Values:
    """The stored values of these criteria, else computed now."""
    found = find_values(session, scorecard_id=scorecard_id, definition=definition)
    return found or compute_values(session, scorecard_id=scorecard_id, definition=definition)
