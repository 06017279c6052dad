"""The finish rule: a run is finished when no enrolment and no delivery of it is open."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.facts import RunFacts
from campaigns.models import Campaign, Delivery, Enrolment, Run
from campaigns.newcomers import takes_newcomers
from campaigns.runs import list_run_facts
from campaigns.states import OPEN_STATES, CampaignState, EnrolmentState, RunState
from core import clock


def finish_runs(session: Session, now: datetime | None = None) -> int:
    """Close active runs where no enrolment and no delivery is open; how many. Continuous ones stay open for newcomers.

    The campaign is finished with its last run."""
    finished = 0
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        if _takes_newcomers(session, run) or _is_open(session, run):
            continue
        row = session.get(Run, run.run_id, with_for_update=True, populate_existing=True)
        if row is not None and row.state == RunState.ACTIVE:
            row.state, row.finished_at = RunState.FINISHED, now or clock.now()
            finished += 1
            session.flush()
            _finish_campaign(session, run.campaign_id)
    return finished


def _takes_newcomers(session: Session, run: RunFacts) -> bool:
    return run.definition.is_continuous and takes_newcomers(session, run)


def _is_open(session: Session, run: RunFacts) -> bool:
    enrolment = select(Enrolment.id).where(Enrolment.run_id == run.run_id,
                                           Enrolment.state == EnrolmentState.ACTIVE).limit(1)
    if session.scalar(enrolment) is not None:
        return True
    delivery = select(Delivery.id).where(Delivery.run_id == run.run_id, Delivery.state.in_(OPEN_STATES)).limit(1)
    return session.scalar(delivery) is not None


def _finish_campaign(session: Session, campaign_id: int) -> None:
    open_runs = session.scalar(select(func.count()).select_from(Run).where(
        Run.campaign_id == campaign_id, Run.state.in_((RunState.PLANNING, RunState.ACTIVE, RunState.PAUSED))))
    campaign = session.get(Campaign, campaign_id)
    if campaign is not None and not open_runs and campaign.state == CampaignState.RUNNING:
        campaign.state = CampaignState.FINISHED
