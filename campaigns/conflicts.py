"""Which other campaigns are under way at the accounts and people that a campaign means."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Enrolment, Run
from campaigns.states import EnrolmentState, RunState
from campaigns.survey import facts_of, select_people

_OPEN = (RunState.PLANNING, RunState.ACTIVE, RunState.PAUSED)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another campaign with people under way here. `goes_first`: it is the more urgent one (a lower number)."""

    campaign_id: int
    campaign: str
    title: str
    priority: int
    accounts: int
    people: int
    goes_first: bool


def find_conflicts(session: Session, campaign: Campaign) -> Sequence[Conflict]:
    """The campaigns with the most accounts in common first. `people`: the same persons are in both."""
    definition = facts_of(campaign).definition
    members, persons = (select_people(session, definition).subquery() for _ in range(2))
    same_person = Enrolment.contact_id.in_(select(persons.c.contact_id))
    accounts = func.count(Enrolment.account_id.distinct())
    people = func.count(case((same_person, Enrolment.contact_id)).distinct())
    rows = session.execute(
        select(Campaign.id, Campaign.name, Campaign.title, func.min(Run.priority), accounts, people)
        .join(Run, Run.campaign_id == Campaign.id).join(Enrolment, Enrolment.run_id == Run.id)
        .where(Campaign.id != campaign.id, Run.state.in_(_OPEN), Enrolment.state == EnrolmentState.ACTIVE,
               Enrolment.end_reason.is_(None), Enrolment.account_id.in_(select(members.c.account_id)))
        .group_by(Campaign.id, Campaign.name, Campaign.title).order_by(accounts.desc(), Campaign.name))
    return [Conflict(*row, goes_first=row[3] < definition.priority) for row in rows]
