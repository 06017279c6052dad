"""Deciding about a proposed pair, and the names by which an account is known."""

from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.identity.models import DuplicatePair
from abm.identity.queries import find_pair, get_pair
from core import clock


def dismiss_pair(session: Session, *, pair_id: int) -> DuplicatePair:
    """Not the same: never proposed again. Raises NotFound."""
    return _decide(session, pair_id, "dismissed")


def reopen_pair(session: Session, *, pair_id: int) -> DuplicatePair:
    """Propose a dismissed pair again after all. Raises NotFound."""
    return _decide(session, pair_id, "open")


def _decide(session: Session, pair_id: int, state: str) -> DuplicatePair:
    pair = get_pair(session, pair_id)
    if pair.state in ("merged", state):
        return pair
    record(session, action=f"duplicate.{state}", subject=pair.subject, subject_id=pair.first_id,
           before={"state": pair.state}, after={"state": state, "other": pair.second_id})
    pair.state, pair.decided_by, pair.decided_at = state, actor().name[:200], clock.now()
    session.flush()
    return pair


def propose_pair(session: Session, *, subject: str, one: int, other: int) -> DuplicatePair:
    """Put two records side by side that a person names; a pair that is there already is answered."""
    found = find_pair(session, subject=subject, one=one, other=other)
    if found is not None:
        return reopen_pair(session, pair_id=found.id) if found.state == "dismissed" else found
    first, second = sorted((one, other))
    now = clock.now()
    pair = DuplicatePair(subject=subject, first_id=first, second_id=second, score=100, found_at=now, seen_at=now,
                         reasons=[f"Named by {actor().name}"])
    session.add(pair)
    session.flush()
    return pair
