"""Looking at a definition before it is in force: back-test, comparison, ranking with other weights."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.orders.models import AccountDay
from abm.scorecards.back_test import Verdict, judge_scores
from abm.scorecards.computing import Values, compute_values, get_values
from abm.scorecards.definition import Definition
from abm.scorecards.measures import Floats, fetch_rows, find_measure
from abm.scorecards.models import Scorecard
from abm.scorecards.order_measures import YEAR_DAYS
from abm.scorecards.scoring import Ints, Scores
from core.db import MONEY_SCALE
from core.errors import InvalidInput, Refused

MONTH_DAYS = 30.4375
MONTHS = (3, 6, 12)


@dataclass(frozen=True)
class BackTest:
    """`of_today`: titles of criteria whose values could not be set back to the day."""

    as_of: date
    until: date
    verdict: Verdict
    of_today: tuple[str, ...]
    without_score: int


def run_back_test(session: Session, *, scorecard: Scorecard, definition: Definition, as_of: date | None,
                  months: int) -> BackTest:
    """Score the accounts that had ordered up to `as_of` (None: so that the period ends with the last order) and hold
    the scores against their sales in the `months` after it. Raises InvalidInput, Refused where there are no orders."""
    first, last = session.execute(select(func.min(AccountDay.day), func.max(AccountDay.day))).one()
    if last is None:
        raise Refused("There are no orders to test against; import orders first")
    days = round(months * MONTH_DAYS)
    day = as_of or last - timedelta(days=days)
    if not first <= day < last:
        raise InvalidInput(f"{day} leaves no orders on one of its sides; orders run from {first} to {last}",
                           {"as_of": f"Choose a day from {first} to before {last}."})
    until = day + timedelta(days=days)
    values = compute_values(session, scorecard_id=scorecard.id, definition=definition, as_of=day)
    past, later = _sales(session, values, day, until)
    score = values.score(definition).score
    had_ordered = ~np.isnan(past)
    tested = had_ordered & ~np.isnan(score)
    verdict = judge_scores(score[tested], past[tested], later[tested])
    of_today = tuple(one.title for place, one in enumerate(definition.criteria) if one.weight > 0
                     and not np.isnan(values.raw[:, place]).all()
                     and (one.is_by_hand or not find_measure(one.by).is_past))
    return BackTest(day, until, verdict, of_today, int((had_ordered & ~tested).sum()))


def _sales(session: Session, values: Values, day: date, until: date) -> tuple[Floats, Floats]:
    """Sales of the twelve months up to the day (NaN: never ordered until then), and from it to `until`."""
    amount = type_coerce(AccountDay.amount, BigInteger)
    year = day - timedelta(days=YEAR_DAYS)
    known = select(AccountDay.account_id, func.sum(amount).filter(AccountDay.day > year)).where(AccountDay.day <= day)
    after = select(AccountDay.account_id, func.sum(amount)).where(AccountDay.day > day, AccountDay.day <= until)
    past, later = np.full(len(values.account_ids), np.nan), np.zeros(len(values.account_ids))
    for target, query in ((past, known), (later, after)):
        rows = fetch_rows(session, query.group_by(AccountDay.account_id), 2)
        place = np.searchsorted(values.account_ids, rows[:, 0])
        target[place] = np.nan_to_num(rows[:, 1]) / MONEY_SCALE
    return past, later


@dataclass(frozen=True)
class Move:
    """An account's rank and score before and after; 0 where it is not ranked."""

    account_id: int
    place_before: int
    place_after: int
    score_before: float
    score_after: float

    @property
    def up(self) -> int:
        """How many places it gains; negative: loses."""
        return self.place_before - self.place_after if self.place_before and self.place_after else 0


@dataclass(frozen=True)
class Comparison:
    """Who moves between two definitions on the same data of today. `rank_correlation`: 1 means the same order."""

    ranked_before: int
    ranked_after: int
    same_place: int
    entered_top: int
    top: int
    moves: tuple[Move, ...]


def compare(ids: Ints, before: Scores, after: Scores, *, limit: int = 25) -> Comparison:
    """The largest moves first; those near the top weigh more (gain in places over the better place)."""
    both = (before.place > 0) & (after.place > 0)
    better = np.minimum(np.where(both, before.place, 1), np.where(both, after.place, 1))
    weight = np.where(both, np.abs(before.place - after.place) / np.sqrt(better), 0.0)
    weight = np.where((before.place > 0) != (after.place > 0), np.inf, weight)
    order = np.lexsort((ids, -weight))
    moved = [int(place) for place in order[:limit] if weight[place] > 0]
    top = max(1, int(np.ceil(both.sum() / 10))) if both.any() else 0
    entered = ((after.place > 0) & (after.place <= top)) & ~((before.place > 0) & (before.place <= top))
    return Comparison(
        int((before.place > 0).sum()), int((after.place > 0).sum()), int((both & (before.place == after.place)).sum()),
        int(entered.sum()), top,
        tuple(Move(int(ids[i]), int(before.place[i]), int(after.place[i]), float(before.score[i]),
                   float(after.score[i])) for i in moved))


def compare_definitions(session: Session, *, scorecard: Scorecard, before: Definition, after: Definition,
                        limit: int = 25) -> Comparison:
    """Both definitions on the values that were computed last, so that only the rules differ; criteria that have none
    stored are computed now."""
    one = get_values(session, scorecard_id=scorecard.id, definition=before)
    other = (one if before.criteria_key == after.criteria_key
             else get_values(session, scorecard_id=scorecard.id, definition=after))
    return compare(one.account_ids, one.score(before), other.score(after), limit=limit)


@dataclass(frozen=True)
class Line:
    """A line of a ranking: `was` is the published rank, None where there is none."""

    place: int
    account_id: int
    score: float
    coverage: float
    membership: float


def top_lines(values: Values, definition: Definition, *, limit: int) -> tuple[list[Line], int]:
    """The first of the ranking by this definition, and how many are ranked."""
    scores = values.score(definition)
    ranked = np.flatnonzero(scores.place > 0)
    first = ranked[np.argsort(scores.place[ranked])][:limit]
    return [Line(int(scores.place[i]), int(values.account_ids[i]), float(scores.score[i]), float(scores.coverage[i]),
                 float(scores.membership[i])) for i in first], len(ranked)
