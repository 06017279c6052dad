"""Reading campaigns for pages and commands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from abm.offers.models import Offer
from abm.targets.models import ListMember, TargetList
from campaigns.models import Campaign, Run
from campaigns.states import CampaignState
from campaigns.tally import count_by_book
from core.errors import NotFound

BOOKS = ("sent", "suppressed", "failed", "unknown", "queued")


@dataclass
class CampaignRow:
    """A line of the list of campaigns: `books` counts messages of all runs by book."""

    campaign: Campaign
    launched_at: datetime | None = None
    books: dict[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        return sum(self.books.values())


def get_campaign(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign; it may have been removed")
    return campaign


def find_campaign_by_name(session: Session, name: str) -> Campaign | None:
    return session.scalar(select(Campaign).where(Campaign.name == name))


def get_campaign_by_name(session: Session, name: str) -> Campaign:
    """Raises NotFound with the nearest name that exists."""
    campaign = find_campaign_by_name(session, name)
    if campaign is None:
        names = list(session.scalars(select(Campaign.name).order_by(Campaign.name)))
        near = get_close_matches(name, names, n=1)
        hint = f', did you mean "{near[0]}"?' if near else "; abm campaigns apply FILE.yaml makes one"
        raise NotFound(f'There is no campaign "{name}"{hint}')
    return campaign


def list_campaigns(session: Session, state: str = "") -> list[CampaignRow]:
    """All campaigns, or those in a state, the latest changed first, with the books of all their runs."""
    rows = {campaign.id: CampaignRow(campaign) for campaign in list_by_change(session)
            if not state or campaign.state == state}
    for campaign_id, launched_at in session.execute(select(Run.campaign_id, func.max(Run.launched_at))
                                                    .where(Run.campaign_id.in_(rows)).group_by(Run.campaign_id)):
        rows[campaign_id].launched_at = launched_at
    for (campaign_id, book), count in count_by_book(session, list(rows) if state else None).items():
        rows[campaign_id].books[book] = count
    return list(rows.values())


def list_by_change(session: Session) -> Sequence[Campaign]:
    """All campaigns, the latest changed first."""
    return session.scalars(select(Campaign).order_by(Campaign.updated_at.desc(), Campaign.id.desc())).all()


def count_campaigns(session: Session) -> dict[str, int]:
    """How many there are by state."""
    counts = session.execute(select(Campaign.state, func.count()).group_by(Campaign.state))
    return {state: count for state, count in counts}


def list_runs(session: Session, campaign_id: int) -> list[Run]:
    return list(session.scalars(select(Run).where(Run.campaign_id == campaign_id).order_by(Run.number.desc())))


def count_waiting_campaigns(session: Session, user_id: int) -> int:
    """Campaigns that ask for attention: held, or approved and not launched. The same for every user."""
    del user_id
    return session.scalar(select(func.count()).select_from(Campaign).where(
        Campaign.state.in_((CampaignState.PAUSED, CampaignState.APPROVED)))) or 0


def list_target_lists(session: Session) -> list[tuple[str, str]]:
    """(name, title with its size) of every target list, for a choice."""
    lists = session.scalars(select(TargetList).order_by(TargetList.title))
    return [(one.name, f"{one.title} ({one.member_count:,} accounts)") for one in lists]


def list_offers(session: Session) -> list[tuple[str, str]]:
    offers = session.scalars(select(Offer).where(Offer.is_active).order_by(Offer.title))
    return [(offer.name, f"{offer.title} (until {offer.valid_until:%d %b %Y})") for offer in offers]


def list_buying_roles(session: Session) -> list[str]:
    """The roles that people have, the frequent ones first."""
    rows = session.scalars(
        select(Contact.buying_role).where(Contact.buying_role.is_not(None), Contact.buying_role != "")
        .group_by(Contact.buying_role).order_by(func.count().desc(), Contact.buying_role).limit(30))
    return [role for role in rows if role]


def search_list_people(session: Session, *, list_name: str, words: str = "", limit: int = 20) -> Sequence[Any]:
    """Contacts of the list's accounts for the preview's choice: by name or address, those with an address first."""
    people = (
        select(Contact).join(ListMember, ListMember.account_id == Contact.account_id)
        .join(TargetList, TargetList.id == ListMember.list_id)
        .where(TargetList.name == list_name, Contact.is_active)
        .order_by(Contact.email.is_(None), Contact.last_name, Contact.id).limit(limit)
    )
    if words.strip():
        like = "%" + words.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        full_name = func.lower(func.coalesce(Contact.first_name, "") + " " + func.coalesce(Contact.last_name, ""))
        people = people.where(or_(full_name.like(like, escape="\\"), Contact.email_key.like(like, escape="\\")))
    return session.scalars(people).all()
