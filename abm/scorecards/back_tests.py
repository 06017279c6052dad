"""Back-tests of large companies: asked for on the page, carried out by a worker, kept until asked for again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.scorecards.back_test import Verdict
from abm.scorecards.definition import Definition
from abm.scorecards.files import to_yaml
from abm.scorecards.models import BackTestRun, Scorecard
from abm.scorecards.queries import draft_of
from abm.scorecards.trials import BackTest
from core import clock
from core.jobs import ring_after_commit

UNDER_WAY = ("waiting", "running")
_PATIENCE = timedelta(minutes=10)


def _asked(definition: Definition, as_of: date | None, months: int) -> str:
    digest = sha256(to_yaml(definition).encode()).hexdigest()[:40]
    return f"{digest} {as_of or 'latest'} {months}"


def find_back_test(session: Session, scorecard: Scorecard, *, as_of: date | None, months: int) -> BackTestRun | None:
    """The one of the draft as it is now, whatever became of it."""
    asked = _asked(draft_of(scorecard), as_of, months)
    query = select(BackTestRun).where(BackTestRun.scorecard_id == scorecard.id, BackTestRun.asked == asked)
    return session.scalars(query).first()


def request_back_test(session: Session, *, scorecard: Scorecard, as_of: date | None, months: int) -> BackTestRun:
    """Have a worker test the draft; one that is under way already is not begun again."""
    found = find_back_test(session, scorecard, as_of=as_of, months=months)
    if found is not None and found.state in UNDER_WAY:
        ring_after_commit(session, "scorecards.back_test", back_test_id=found.id)
        return found
    if found is None:
        found = BackTestRun(scorecard_id=scorecard.id, asked=_asked(draft_of(scorecard), as_of, months), as_of=as_of,
                            months=months, definition=scorecard.draft)
        session.add(found)
    found.state, found.step, found.found, found.error = "waiting", "Waiting for a worker", None, ""
    found.started_at, found.finished_at = clock.now(), None
    session.flush()
    record(session, action="scorecard.back_test", subject="scorecard", subject_id=scorecard.name,
           after={"as_of": as_of and as_of.isoformat(), "months": months})
    ring_after_commit(session, "scorecards.back_test", back_test_id=found.id)
    return found


def list_stuck(session: Session) -> Sequence[int]:
    """Ids of tests begun so long ago that their bell or their worker must be lost."""
    begun = clock.now() - _PATIENCE
    return session.scalars(select(BackTestRun.id).where(
        BackTestRun.state.in_(UNDER_WAY), BackTestRun.started_at < begun)).all()


def finish_back_test(run: BackTestRun, found: BackTest | None, error: str = "") -> None:
    """Keep the figures, or why there are none."""
    run.state, run.step, run.finished_at = "failed" if error else "done", "", clock.now()
    run.error = error[:500]
    run.found = None if found is None else {**asdict(found), "as_of": found.as_of.isoformat(),
                                            "until": found.until.isoformat()}


def read_found(stored: Mapping[str, Any]) -> BackTest:
    """The figures as `run_back_test` gave them."""
    verdict = Verdict(**{**stored["verdict"], "by_tenth": tuple(stored["verdict"]["by_tenth"])})
    return BackTest(date.fromisoformat(stored["as_of"]), date.fromisoformat(stored["until"]), verdict,
                    tuple(stored["of_today"]), stored["without_score"])
