"""Re-entry waves: runs of their own for people whose way through a continuous campaign is over and who may return."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.definition_values import REENTRY_NEVER
from campaigns.facts import RunFacts
from campaigns.models import Run
from campaigns.newcomers import takes_newcomers
from campaigns.planning_names import PLAN
from campaigns.refusals import select_returning
from campaigns.runs import list_run_facts
from campaigns.states import RunKind, RunState
from core import clock
from core.jobs import ring_after_commit


def start_reentry_waves(session: Session, now: datetime | None = None) -> int:
    """Begin a run for each active continuous campaign that has people who may return by now; how many runs."""
    at, started = now or clock.now(), 0
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        rule = run.definition.reentry
        if rule is None or rule.kind == REENTRY_NEVER or not run.definition.is_continuous:
            continue
        if takes_newcomers(session, run) and _has_returning(session, run, at):
            _start(session, run, at)
            started += 1
    return started


def _has_returning(session: Session, run: RunFacts, at: datetime) -> bool:
    returning = select_returning(session, run, at, own=True).subquery()
    return session.scalar(select(returning.c.contact_id).limit(1)) is not None


def _start(session: Session, run: RunFacts, at: datetime) -> Run:
    first = session.get_one(Run, run.run_id)
    number = session.scalar(select(func.max(Run.number)).where(Run.campaign_id == run.campaign_id)) or 0
    wave = Run(campaign_id=run.campaign_id, version_id=run.version_id, approval_id=first.approval_id, number=number + 1,
               kind=RunKind.REENTRY, state=RunState.PLANNING, purpose=run.purpose, priority=run.priority,
               is_cap_exempt=run.is_cap_exempt, holdout_percent=first.holdout_percent, launched_by="re-entry rule",
               launched_at=at)
    session.add(wave)
    session.flush()
    ring_after_commit(session, PLAN, run_id=wave.id)
    return wave
