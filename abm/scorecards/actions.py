"""Changing scorecards: draft, publish, roll back, rate; computing and keeping every account's score."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account
from abm.accounts.queries import get_account
from abm.audit.actions import actor, record
from abm.scorecards.computing import Values, compute_values, keep_snapshot
from abm.scorecards.definition import Definition
from abm.scorecards.files import SHIPPED, load_yaml, to_document
from abm.scorecards.matrix import keep_matrix
from abm.scorecards.measures import MEASURES
from abm.scorecards.models import Scorecard, ScorecardRating, ScorecardSnapshot, ScorecardVersion
from abm.scorecards.queries import draft_of, get_version, list_ratings, present_basis, stored_definition
from abm.scorecards.reading import read_definition
from abm.scorecards.scoring import Scores
from abm.scorecards.storing import write_scores
from core import clock
from core.db import refresh_statistics
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit

AT_ONCE_UP_TO = 5_000


def apply_scorecard(session: Session, *, definition: Definition, is_shipped: bool = False) -> Scorecard:
    """Create a scorecard or change the draft of the one with this name; nothing scores before it is published."""
    now, document = clock.now(), to_document(definition)
    found = session.scalars(select(Scorecard).where(Scorecard.name == definition.name)).first()
    before = found.draft if found else None
    if found is None:
        found = Scorecard(name=definition.name, is_shipped=is_shipped, created_at=now)
        session.add(found)
    found.title, found.family, found.draft, found.updated_at = definition.title, definition.family, document, now
    session.flush()
    if before != document and before is not None:
        prepare_soon(session, found)
    if before != document:
        record(session, action="scorecard.draft" if before else "scorecard.create", subject="scorecard",
               subject_id=found.name, before=before, after=document)
    return found


def set_weights(session: Session, *, scorecard: Scorecard, weights: Mapping[str, float]) -> Scorecard:
    """Change the weights of the draft. Raises InvalidInput where none is above 0."""
    definition = draft_of(scorecard).with_weights(weights)
    if definition.total_weight <= 0:
        raise InvalidInput("At least one criterion needs a weight above 0", {"weights": "All weights are 0"})
    return apply_scorecard(session, definition=definition)


def ship_scorecards(session: Session) -> list[Scorecard]:
    """Bring in those shipped scorecards that are not there yet, published; those that are there stay as they are."""
    there = set(session.scalars(select(Scorecard.name)))
    made = []
    for path in sorted(SHIPPED.glob("*.yaml")):
        definition = read_definition(load_yaml(path.read_text("utf-8")), MEASURES)
        if definition.name not in there:
            scorecard = apply_scorecard(session, definition=definition, is_shipped=True)
            publish_scorecard(session, scorecard=scorecard, note="As shipped")
            made.append(scorecard)
    return made


def publish_scorecard(session: Session, *, scorecard: Scorecard, note: str = "") -> ScorecardVersion:
    """Make the draft the version that scores. Raises Refused where nothing has changed since the last one."""
    number = session.scalar(select(func.max(ScorecardVersion.number)).where(
        ScorecardVersion.scorecard_id == scorecard.id)) or 0
    if scorecard.published_number is not None:
        present = get_version(session, scorecard, scorecard.published_number)
        if present.definition == scorecard.draft:
            raise Refused(f"Nothing has changed since version {present.number} was published")
    version = ScorecardVersion(scorecard_id=scorecard.id, number=number + 1, definition=scorecard.draft,
                               note=note[:500], published_by=actor().name, published_at=clock.now())
    session.add(version)
    _put_in_force(session, scorecard, version, "scorecard.publish")
    return version


def roll_back_scorecard(session: Session, *, scorecard: Scorecard, number: int) -> ScorecardVersion:
    """Let an earlier version score again; the draft becomes what it says. Raises NotFound, Refused."""
    if number == scorecard.published_number:
        raise Refused(f"Version {number} is the one that scores now")
    version = get_version(session, scorecard, number)
    scorecard.draft = version.definition
    _put_in_force(session, scorecard, version, "scorecard.roll_back")
    return version


def _put_in_force(session: Session, scorecard: Scorecard, version: ScorecardVersion, action: str) -> None:
    before, scorecard.published_number = scorecard.published_number, version.number
    scorecard.updated_at, scorecard.basis = clock.now(), ""
    session.flush()
    record(session, action=action, subject="scorecard", subject_id=scorecard.name, before={"version": before},
           after={"version": version.number, "note": version.note})
    compute_soon(session, scorecard)


def compute_soon(session: Session, scorecard: Scorecard) -> None:
    """Compute at once where that is quick, else by a worker after the commit."""
    if is_large(session):
        ring_after_commit(session, "scorecards.compute", scorecard_id=scorecard.id)
    else:
        compute_scores(session, scorecard=scorecard)


def prepare_soon(session: Session, scorecard: Scorecard) -> None:
    """Where other criteria would keep the first who looks waiting, have a worker look at them first."""
    if is_large(session):
        ring_after_commit(session, "scorecards.prepare_draft", scorecard_id=scorecard.id)


def is_large(session: Session) -> bool:
    """Whether computing all accounts would keep somebody waiting."""
    some = select(Account.id).limit(AT_ONCE_UP_TO + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) > AT_ONCE_UP_TO


def compute_scores(session: Session, *, scorecard: Scorecard) -> None:
    """Compute and keep the scores of the published version as of now."""
    if scorecard.published_number is None:
        return
    version = get_version(session, scorecard, scorecard.published_number)
    basis, definition = present_basis(session, scorecard.id), stored_definition(version.definition)
    values = compute_values(session, scorecard_id=scorecard.id, definition=definition)
    keep_scores(session, scorecard=scorecard, version=version, values=values, basis=basis)


def keep_scores(session: Session, *, scorecard: Scorecard, version: ScorecardVersion, values: Values,
                basis: str) -> None:
    """Store a row per account and the values they came from."""
    definition = stored_definition(version.definition)
    scores = values.score(definition)
    keep_snapshot(session, scorecard_id=scorecard.id, definition=definition, values=values)
    keys = {definition.criteria_key, draft_of(scorecard).criteria_key}
    session.execute(delete(ScorecardSnapshot).where(ScorecardSnapshot.scorecard_id == scorecard.id,
                                                    ScorecardSnapshot.criteria_key.not_in(keys)))
    write_scores(session, version_id=version.id, account_ids=values.account_ids, scores=scores)
    version.facts = _facts(scores)
    scorecard.basis, scorecard.computed_at = basis, clock.now()
    session.flush()
    refresh_statistics(session, "account_score")
    if definition.family:
        keep_matrix(session)


def _facts(scores: Scores) -> dict[str, Any]:
    ranked = scores.place > 0
    return {"accounts": len(scores.score), "ranked": int(ranked.sum()),
            "mean_coverage": float(scores.coverage.mean()) if len(scores.coverage) else 0.0,
            "mean_score": float(np.nanmean(scores.score[ranked])) if ranked.any() else None,
            "members": float(np.nansum(scores.membership[ranked])) if ranked.any() else 0.0}


@dataclass(frozen=True)
class Rating:
    """The points of a level, with what they rest on; None takes an earlier rating back."""

    points: float | None
    evidence: str = ""


def rate_account(session: Session, *, scorecard: Scorecard, account_id: int, ratings: Mapping[str, Rating]) -> None:
    """Keep what a person says of an account, by criterion; what is the same as before stays as it was. Raises
    InvalidInput for a criterion that is not by hand, or points that are none of its levels."""
    get_account(session, account_id)
    definition = draft_of(scorecard)
    chosen = {name: _check_rating(definition, name, rating) for name, rating in ratings.items()}
    there = list_ratings(session, scorecard_id=scorecard.id, account_id=account_id)
    said = []
    for name, rating in ratings.items():
        found = there.get(name)
        before = Rating(found.points, found.evidence) if found else Rating(None)
        if before != (rating if rating.points is not None else Rating(None)):
            _store_rating(session, found, ScorecardRating(
                scorecard_id=scorecard.id, criterion=name, account_id=account_id, points=rating.points,
                evidence=rating.evidence, rated_by=actor().name, rated_at=clock.now()))
            record(session, action="scorecard.rate", subject="account", subject_id=account_id, before=asdict(before),
                   after={"scorecard": scorecard.name, "criterion": name, **asdict(rating)})
            said.append(": ".join(part for part in (*chosen[name], rating.evidence) if part))
    if said:
        scorecard.basis = ""
        add_account_event(session, account_id=account_id, kind="score", title=f"Rated for {scorecard.title}",
                          text="\n".join(said), link=f"/scorecards/{scorecard.name}/why/{account_id}")


def _check_rating(definition: Definition, name: str, rating: Rating) -> tuple[str, str]:
    """The criterion's title and what the level says."""
    criterion = definition.criterion(name)
    if criterion is None or not criterion.is_by_hand:
        raise InvalidInput(f"{name} is not a criterion that is rated by hand", {"criterion": "not by hand"})
    level = criterion.level_of(rating.points)
    if rating.points is not None and level is None:
        known = ", ".join(f"{step.points:g}" for step in criterion.steps)
        raise InvalidInput(f"{rating.points:g} is none of its levels: {known}", {name: f"Choose one of {known}"})
    return criterion.title, level.words if level else "taken back"


def _store_rating(session: Session, found: ScorecardRating | None, wanted: ScorecardRating) -> None:
    if wanted.points is None:
        if found is not None:
            session.delete(found)
    elif found is None:
        session.add(wanted)
    else:
        found.points, found.evidence = wanted.points, wanted.evidence
        found.rated_by, found.rated_at = wanted.rated_by, wanted.rated_at
    session.flush()
