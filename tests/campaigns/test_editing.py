import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.company.actions import set_company_value
from campaigns import editing
from campaigns.approvals import find_approval, fingerprint_of
from campaigns.definition import parse
from campaigns.enrolment import plan_chunk
from campaigns.models import Approval, ApprovedMember, Campaign, CampaignVersion, Run
from campaigns.reports import campaign_status
from campaigns.states import CampaignState, Reason, RunState
from campaigns.stops import current
from campaigns.survey import select_people
from core.db import Session
from core.errors import Refused
from core.settings import ROOT
from tests.campaigns.campaign_factory import (
    CALL,
    HELLO,
    deliveries,
    enrolments,
    make_approved,
    make_campaign,
    make_people,
    make_raw,
    make_run,
    put_in_list,
)
from tests.factories import make_account, make_contact


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Any) -> None:
    at(datetime(2026, 3, 11, 12, tzinfo=UTC))


def save(session: Session, **values: Any) -> Campaign:
    return editing.save_definition(session, raw=make_raw(**values), editor_id=1, editor_name="Author")


def approve(session: Session, campaign: Campaign, by: int | None = 2, **values: Any) -> None:
    editing.approve(session, campaign=campaign, approver_id=by, approver_name="Second", **values)


def launch(session: Session, campaign: Campaign) -> Run:
    return editing.launch(session, campaign=campaign, launched_by="Second")


def test_any_change_voids_the_approval(session: Session) -> None:
    make_people(session)
    campaign = make_approved(session)
    save(session, title="Another title")
    assert (campaign.state, editing.find_approval(session, campaign)) == (CampaignState.DRAFT, None)
    with pytest.raises(Refused, match="changed or cancelled after its approval"):
        launch(session, campaign)


def test_saving_the_same_again_changes_nothing(session: Session) -> None:
    make_people(session)
    campaign = make_approved(session)
    save(session)
    assert campaign.state == CampaignState.APPROVED


def test_the_last_editor_may_not_approve(session: Session) -> None:
    make_people(session)
    with pytest.raises(Refused, match="somebody else has to approve"):
        approve(session, make_campaign(session), by=1)


def test_a_file_of_the_system_may_be_approved_by_any_person(session: Session) -> None:
    make_people(session)
    campaign = editing.save_definition(session, raw=make_raw(), editor_id=None, editor_name="system")
    approve(session, campaign, by=1)
    assert campaign.state == CampaignState.APPROVED


def test_exempt_caps_need_an_admin(session: Session) -> None:
    make_people(session)
    campaign = make_campaign(session, caps="exempt")
    with pytest.raises(Refused, match="only an admin"):
        approve(session, campaign)
    approve(session, campaign, is_admin=True)
    assert campaign.state == CampaignState.APPROVED


def test_a_list_without_people_cannot_be_approved(session: Session) -> None:
    with pytest.raises(Refused, match="nobody"):
        approve(session, make_campaign(session))


def test_a_message_without_a_postal_address_cannot_be_approved(session: Session) -> None:
    make_people(session)
    with pytest.raises(Refused, match="postal_address"):
        approve(session, make_campaign(session, sender={"email": "sales@example.com"}))


def test_calls_alone_need_no_sender(session: Session) -> None:
    make_people(session)
    campaign = make_campaign(session, sender=None, steps=[CALL])
    approve(session, campaign)
    assert campaign.state == CampaignState.APPROVED


def test_approval_freezes_the_people_by_role_and_number(session: Session) -> None:
    account = make_account(session)
    put_in_list(session, [account])
    best = make_contact(session, account, buying_role="decision_maker")
    make_contact(session, account, buying_role="champion")
    make_contact(session, account, buying_role="user")
    campaign = make_campaign(session, people={"roles": ["decision_maker", "champion"], "per_account": 1})
    approve(session, campaign)
    assert list(session.scalars(select(ApprovedMember.contact_id))) == [best.id]


def test_many_people_need_a_second_approval_by_somebody_else(session: Session) -> None:
    set_company_value(session, name="second_approval_above", value=2)
    make_people(session, 3)
    campaign = make_campaign(session)
    approve(session, campaign)
    assert campaign.state == CampaignState.DRAFT
    with pytest.raises(Refused, match="a second person"):
        launch(session, campaign)
    with pytest.raises(Refused, match="approved it already"):
        approve(session, campaign)
    with pytest.raises(Refused, match="somebody else has to approve"):
        approve(session, campaign, by=1)
    approve(session, campaign, by=3)
    approvals = session.scalars(select(Approval)).all()
    assert [(one.approved_by_id, one.second_by_id) for one in approvals] == [(2, 3)]
    assert launch(session, campaign).approval_id == approvals[0].id


def test_an_edit_voids_the_first_of_two_approvals(session: Session) -> None:
    set_company_value(session, name="second_approval_above", value=2)
    make_people(session, 3)
    campaign = make_campaign(session)
    approve(session, campaign)
    campaign = make_campaign(session, title="Another")
    approve(session, campaign, by=3)
    with pytest.raises(Refused, match="a second person"):
        launch(session, campaign)


def test_few_people_need_one_approval(session: Session) -> None:
    set_company_value(session, name="second_approval_above", value=2)
    make_people(session, 2)
    assert make_approved(session).state == CampaignState.APPROVED


def test_an_approval_is_bound_to_its_people_by_their_fingerprint(session: Session) -> None:
    make_people(session, 3)
    campaign = make_approved(session)
    approval = find_approval(session, campaign)
    assert approval is not None
    present = select_people(session, parse(campaign.definition))
    assert approval.audience_hash == fingerprint_of(session, present)
    make_people(session, 1)
    assert approval.audience_hash != fingerprint_of(session, select_people(session, parse(campaign.definition)))


def test_a_draft_cannot_be_launched(session: Session) -> None:
    make_people(session)
    with pytest.raises(Refused, match="not approved"):
        launch(session, make_campaign(session))


def test_an_open_run_must_end_before_the_next_launch(session: Session) -> None:
    make_people(session)
    run = make_run(session)
    with pytest.raises(Refused, match="run 1"):
        launch(session, session.get_one(Campaign, run.campaign_id))


def test_running_people_keep_the_version_they_have(session: Session) -> None:
    make_people(session)
    run = make_run(session)
    save(session, steps=[{**HELLO, "subject": "New words"}])
    campaign = session.get_one(Campaign, run.campaign_id)
    version = session.get_one(CampaignVersion, run.version_id)
    assert (campaign.state, version.definition["steps"][0]["subject"]) == (CampaignState.RUNNING, "Hello")


def test_pause_and_resume_go_on_with_exactly_the_rest(session: Session) -> None:
    make_people(session, 3)
    run = make_run(session)
    campaign = session.get_one(Campaign, run.campaign_id)
    before = [(row.id, row.state, row.due_at) for row in deliveries(session, run)]
    epoch = current(session)
    editing.pause(session, campaign=campaign, reason="too many bounces")
    assert (run.state, campaign.state, run.pause_reason) == (RunState.PAUSED, CampaignState.PAUSED, "too many bounces")
    assert current(session) > epoch
    editing.resume(session, campaign=campaign)
    assert (run.state, campaign.state) == (RunState.ACTIVE, CampaignState.RUNNING)
    assert [(row.id, row.state, row.due_at) for row in deliveries(session, run)] == before


def test_a_pause_during_planning_is_resumed_with_planning(session: Session) -> None:
    make_people(session, 4)
    campaign = make_approved(session)
    run = launch(session, campaign)
    plan_chunk(session, run.id, size=2)
    editing.pause(session, campaign=campaign)
    assert plan_chunk(session, run.id, size=2) is False
    editing.resume(session, campaign=campaign)
    while plan_chunk(session, run.id, size=2):
        pass
    session.refresh(run)
    assert (run.state, len(deliveries(session, run))) == (RunState.ACTIVE, 4)


def test_cancelling_ends_all_but_what_is_being_handed_over(session: Session) -> None:
    make_people(session, 3)
    run = make_run(session, holdout="30%")
    row = deliveries(session, run)[0]
    row.state = "handing"
    for waiting in deliveries(session, run)[1:]:
        waiting.detail = "It is outside the sending window"
    session.flush()
    campaign = session.get_one(Campaign, run.campaign_id)
    editing.cancel(session, campaign=campaign)
    assert [(row.state, row.reason, row.detail) for row in deliveries(session, run)[1:]] == [
        ("cancelled", Reason.CAMPAIGN_CANCELLED, None)
    ] * (len(deliveries(session, run)) - 1)
    assert (deliveries(session, run)[0].state, run.state, campaign.state) == ("handing", "cancelled", "cancelled")
    assert {row.state for row in enrolments(session, run)} == {"cancelled"}
    assert campaign_status(session, "hello")["held_out"] == len(enrolments(session, run)) - len(
        deliveries(session, run)
    )


@pytest.mark.parametrize("verb", [editing.pause, editing.resume])
def test_what_does_not_run_can_be_neither_paused_nor_resumed(session: Session, verb: Any) -> None:
    make_people(session)
    with pytest.raises(Refused, match="hello is approved; only a"):
        verb(session, campaign=make_approved(session))


def test_a_cancelled_campaign_needs_a_new_approval(session: Session) -> None:
    make_people(session)
    run = make_run(session)
    campaign = session.get_one(Campaign, run.campaign_id)
    editing.cancel(session, campaign=campaign)
    with pytest.raises(Refused, match="nothing to cancel"):
        editing.cancel(session, campaign=campaign)
    with pytest.raises(Refused, match="must approve it"):
        launch(session, campaign)
    approve(session, campaign)
    assert launch(session, campaign).number == 2


def test_whoever_can_launch_knows_the_job_that_plans() -> None:
    """A command imports little: what it rings must be registered by what it imports."""
    asked = "import campaigns.editing; from core.jobs.registry import JOBS; print('outreach.plan' in JOBS)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "True"
