"""The life of a campaign in the hands of people: save, approve, launch, pause, resume, cancel.

Who may do what is the application's matter; what is possible in which state is decided here, each refusal a sentence.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.approvals import find_approval, freeze
from campaigns.definition import Definition, EmailStep, definition_hash, parse, to_raw
from campaigns.models import Approval, Campaign, CampaignVersion, Delivery, Enrolment, Run
from campaigns.planning_jobs import PLAN
from campaigns.states import CampaignState, EnrolmentState, Reason, RunState
from campaigns.stopping import STOPPABLE
from core import clock
from core.errors import Refused
from core.jobs import ring_after_commit

_FETCH = {"synchronize_session": "fetch"}
OPEN_RUNS = (RunState.PLANNING, RunState.ACTIVE, RunState.PAUSED)


def save_definition(session: Session, *, raw: Mapping[str, Any], editor_id: int | None, editor_name: str) -> Campaign:
    """Make or change the campaign named in a campaign file (content inlined). InvalidInput when it cannot be read.

    Any change voids the approval; saving the same again changes nothing. Running people keep the version they have.
    """
    definition = parse(raw)
    stored = to_raw(definition)
    fingerprint, now = definition_hash(stored), clock.now()
    campaign = session.scalar(select(Campaign).where(Campaign.name == definition.name))
    if campaign is not None and campaign.definition_hash == fingerprint:
        return campaign
    if campaign is None:
        campaign = Campaign(name=definition.name, state=CampaignState.DRAFT, created_at=now)
        session.add(campaign)
    else:
        void_approvals(session, campaign)
    campaign.title, campaign.purpose = definition.title, definition.purpose
    campaign.definition, campaign.definition_hash = stored, fingerprint
    campaign.editor_id, campaign.editor_name = editor_id, editor_name
    campaign.tested_at, campaign.updated_at = None, now
    session.flush()
    return campaign


def void_approvals(session: Session, campaign: Campaign) -> None:
    """Nothing may be launched before somebody approves again; what runs goes on."""
    session.execute(update(Approval).where(Approval.campaign_id == campaign.id, Approval.voided_at.is_(None))
                    .values(voided_at=clock.now()))
    if campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        campaign.state = CampaignState.DRAFT


def approve(session: Session, *, campaign: Campaign, approver_id: int | None, approver_name: str,
            is_admin: bool = False) -> Approval:
    """Agree to the definition as it is now for the people it means now: freezes both.

    Where so many people need two approvals, the second one agrees to what the first one froze. Refused to the last
    editor, to all but admins where caps are exempt, to whoever agreed already, and where nobody could be written to.
    """
    session.refresh(campaign, with_for_update=True)
    definition = parse(campaign.definition)
    if _is_editor(campaign, approver_id, approver_name):
        raise Refused(f"{approver_name} changed {campaign.name} last, so somebody else has to approve it")
    if definition.is_cap_exempt and not is_admin:
        raise Refused(f"{campaign.name} says caps: exempt, which only an admin may approve")
    refuse_unready(definition)
    approval = find_approval(session, campaign)
    if approval is not None and approval.waits_for_second:
        _agree_second(approval, approver_id, approver_name)
    else:
        approval = freeze(session, campaign, definition, approver_id=approver_id, approver_name=approver_name)
    if not approval.waits_for_second and campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        campaign.state = CampaignState.APPROVED
    session.flush()
    return approval


def _agree_second(approval: Approval, approver_id: int | None, approver_name: str) -> None:
    if (approval.approved_by_id, approval.approved_by) == (approver_id, approver_name) or (
            approver_id is not None and approver_id == approval.approved_by_id):
        raise Refused(f"{approver_name} approved it already; for {approval.members:,} people a second person has to")
    approval.second_by_id, approval.second_by, approval.second_at = approver_id, approver_name, clock.now()


def _is_editor(campaign: Campaign, approver_id: int | None, approver_name: str) -> bool:
    if campaign.editor_id is not None or approver_id is not None:
        return campaign.editor_id == approver_id
    return campaign.editor_name == approver_name


def refuse_unready(definition: Definition) -> None:
    """Refused when a message of this campaign could not lawfully leave, whoever it went to."""
    if any(isinstance(step, EmailStep) for step in definition.steps) and not definition.sender.postal_address:
        raise Refused(f"{definition.name}: sender.postal_address is missing; every message must name a postal address")


def launch(session: Session, *, campaign: Campaign, launched_by: str) -> Run:
    """Begin a run of the approved version for the approved people; its plan is made by a job.

    Each launch is a run of its own. Refused without a standing approval of exactly this definition, and while an
    earlier run is open.
    """
    session.refresh(campaign, with_for_update=True)
    approval = _get_launchable_approval(session, campaign)
    definition = parse(campaign.definition)
    refuse_unready(definition)
    number = session.scalar(select(func.coalesce(func.max(Run.number), 0)).where(Run.campaign_id == campaign.id))
    run = Run(campaign_id=campaign.id, version_id=approval.version_id, approval_id=approval.id,
              number=(number or 0) + 1, state=RunState.PLANNING, purpose=definition.purpose,
              priority=definition.priority, is_cap_exempt=definition.is_cap_exempt,
              holdout_percent=definition.holdout_percent, launched_by=launched_by, launched_at=clock.now())
    session.add(run)
    campaign.state = CampaignState.RUNNING
    session.flush()
    ring_after_commit(session, PLAN, run_id=run.id)
    return run


def _get_launchable_approval(session: Session, campaign: Campaign) -> Approval:
    open_run = session.scalar(select(Run).where(Run.campaign_id == campaign.id, Run.state.in_(OPEN_RUNS)).limit(1))
    if open_run is not None:
        raise Refused(f"{campaign.name} is {campaign.state} (run {open_run.number}); launch it again when that run is "
                      "finished, or cancel it first")
    approval = find_approval(session, campaign)
    if approval is None:
        was_approved = session.scalar(select(func.count()).select_from(Approval)
                                      .where(Approval.campaign_id == campaign.id))
        why = "was changed or cancelled after its approval" if was_approved else "is not approved"
        raise Refused(f"{campaign.name} {why}; somebody other than {campaign.editor_name or 'its editor'} must approve "
                      "it before it can be launched")
    if approval.waits_for_second:
        raise Refused(f"{campaign.name} was approved by {approval.approved_by} alone; for {approval.members:,} people "
                      "a second person has to approve it before it can be launched")
    version = session.get(CampaignVersion, approval.version_id)
    if version is None or version.definition_hash != campaign.definition_hash:
        raise Refused(f"{campaign.name} was changed after its approval; approve it again")
    return approval


def pause(session: Session, *, campaign: Campaign, reason: str = "") -> Campaign:
    """Hold what has not been handed over; at most what is in flight still goes out."""
    held = session.scalars(
        update(Run).where(Run.campaign_id == campaign.id, Run.state.in_((RunState.PLANNING, RunState.ACTIVE)))
        .values(state_before_pause=Run.state, state=RunState.PAUSED, pause_reason=reason[:300] or None)
        .returning(Run.id), execution_options=_FETCH).all()
    if not held:
        raise Refused(f"{campaign.name} is {campaign.state}; only a running campaign can be paused")
    return _in_state(session, campaign, CampaignState.PAUSED)


def resume(session: Session, *, campaign: Campaign) -> Campaign:
    """Go on with exactly the rest."""
    resumed = session.scalars(
        update(Run).where(Run.campaign_id == campaign.id, Run.state == RunState.PAUSED)
        .values(state=func.coalesce(Run.state_before_pause, RunState.ACTIVE.value), state_before_pause=None,
                pause_reason=None).returning(Run.id), execution_options=_FETCH).all()
    if not resumed:
        raise Refused(f"{campaign.name} is {campaign.state}; only a paused campaign can be resumed")
    for run_id in resumed:
        ring_after_commit(session, PLAN, run_id=run_id)
    return _in_state(session, campaign, CampaignState.RUNNING)


def cancel(session: Session, *, campaign: Campaign) -> Campaign:
    """End the campaign for good: what is not handed over is cancelled, its people leave, its approval is void."""
    if campaign.state in (CampaignState.CANCELLED, CampaignState.FINISHED):
        raise Refused(f"{campaign.name} is {campaign.state} already; there is nothing to cancel")
    now = clock.now()
    runs = session.scalars(
        update(Run).where(Run.campaign_id == campaign.id, Run.state.in_(OPEN_RUNS))
        .values(state=RunState.CANCELLED, finished_at=now).returning(Run.id), execution_options=_FETCH).all()
    why = Reason.CAMPAIGN_CANCELLED.value
    session.connection().execute(
        update(Delivery).where(Delivery.run_id.in_(runs), Delivery.state.in_(STOPPABLE))
        .values(state="cancelled", reason=why, detail=None, ended_at=now))
    session.connection().execute(
        update(Enrolment).where(Enrolment.run_id.in_(runs), Enrolment.state == EnrolmentState.ACTIVE)
        .values(state=EnrolmentState.CANCELLED, ended_at=now, next_due_at=None,
                end_reason=func.coalesce(Enrolment.end_reason, why)))
    void_approvals(session, campaign)
    return _in_state(session, campaign, CampaignState.CANCELLED)


def _in_state(session: Session, campaign: Campaign, state: CampaignState) -> Campaign:
    campaign.state, campaign.updated_at = state, clock.now()
    session.flush()
    stops.bump(session)
    return campaign
