"""Outreach on an account's page: who has the conversation, what runs, the touches made and the budget left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import g, render_template
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.contacts.models import Contact
from abm.outreach.answers import ShownAnswer, list_answers
from abm.outreach.reasons import explain_reason
from abm.outreach.waiting import explain_messages
from abm.users.models import User
from campaigns.models import Campaign, ConversationLock, Delivery, Enrolment, HoldoutAccount, Run, Touch
from campaigns.states import CampaignState, EnrolmentState
from core import clock

SHORT, LONG = timedelta(days=7), timedelta(days=30)
SHOWN = 10


@dataclass(frozen=True)
class Lock:
    """The conversation belongs to `owner` until a moment; other sequences wait."""

    conversation: ConversationLock
    owner: User | None


@dataclass(frozen=True)
class AccountOutreach:
    """`points_7`, `points_30`: what the account's touches used up. `running`: rows of (id, title, people in it)."""

    points_7: int
    points_30: int
    lock: Lock | None
    running: Sequence[Any]
    held_out_of: Sequence[Campaign]
    messages: Sequence[Any]
    answers: Sequence[ShownAnswer] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.points_30 or self.lock or self.running or self.held_out_of or self.messages or self.answers)


def read_account_outreach(session: Session, account_id: int) -> AccountOutreach:
    """All of it in six small queries."""
    held_out_of = session.scalars(
        select(Campaign).join(HoldoutAccount, HoldoutAccount.campaign_id == Campaign.id)
        .where(HoldoutAccount.account_id == account_id, HoldoutAccount.is_held_out,
               Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)))).all()
    running = session.execute(
        select(Campaign.id, Campaign.title, func.count().label("people")).join(Run, Run.campaign_id == Campaign.id)
        .join(Enrolment, Enrolment.run_id == Run.id)
        .where(Enrolment.account_id == account_id, Enrolment.state == EnrolmentState.ACTIVE)
        .group_by(Campaign.id, Campaign.title)).all()
    messages = session.execute(
        select(Delivery, Campaign, Contact).join(Run, Run.id == Delivery.run_id)
        .join(Campaign, Campaign.id == Run.campaign_id).outerjoin(Contact, Contact.id == Delivery.contact_id)
        .where(Delivery.account_id == account_id).order_by(Delivery.id.desc()).limit(SHOWN)).all()
    points_7, points_30 = _points(session, account_id)
    return AccountOutreach(points_7, points_30, _find_lock(session, account_id), running, held_out_of, messages,
                           list_answers(session, account_id))


def _points(session: Session, account_id: int) -> tuple[int, int]:
    """Used in the last 7 and in the last 30 days."""
    now = clock.now()
    lately = func.sum(case((Touch.at > now - SHORT, Touch.points), else_=0))
    used = session.execute(select(lately, func.sum(Touch.points)).where(
        Touch.account_id == account_id, Touch.at > now - LONG)).one()
    return int(used[0] or 0), int(used[1] or 0)


def _find_lock(session: Session, account_id: int) -> Lock | None:
    lock = session.get(ConversationLock, account_id)
    if lock is None or lock.until <= clock.now():
        return None
    return Lock(lock, session.get(User, lock.owner_id) if lock.owner_id else None)


def render_panel(session: Session, account: Account) -> str:
    found = read_account_outreach(session, account.id)
    return render_template("outreach/_account_panel.html", found=found, company=g.company, account=account,
                           explain_reason=explain_reason,
                           why=explain_messages(session, [row[0] for row in found.messages]))


def add_panel() -> None:
    """Put the panel behind people and orders."""
    register_panel("Outreach", 40, render_panel, part="outreach")
