"""The header's numbers about both sides: qualified, answered in time, covered, engaged, kept back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.dossier.list_fields import completeness_of_account
from abm.dossier.models import Tender
from abm.engagement.models import AccountEngagement, QualificationChange
from abm.meetings.hand_offs import list_hand_offs
from abm.meetings.periods import Period
from abm.work.models import Task
from abm.work.visit_steps import MET
from campaigns.costs import cost_of_touch
from campaigns.models import Delivery, Touch
from campaigns.states import states_of
from core import clock
from core.db import MONEY_SCALE

COVERED = timedelta(days=14)
TIERS = ("1", "2", "3")
_LEFT_OUT = states_of("suppressed")
Number = tuple[str, str, int, str]


def numbers_of_both_sides(session: Session, period: Period) -> list[Number]:
    """(key, title, value, the page with the rows behind)."""
    now = clock.now()
    states = [one.state(now) for one in list_hand_offs(session, since=period.since)]
    return [
        ("qualified", "Newly qualified", _count(session, select(QualificationChange.account_id).where(
            QualificationChange.is_qualified, QualificationChange.at >= period.since).distinct()), "#item-hand_offs"),
        ("sla_met", "Hand-offs answered in time", states.count("met"), "#item-hand_offs"),
        ("sla_broken", "Hand-offs answered late or not", states.count("broken"), "#item-hand_offs"),
        *((f"covered{'' if tier == '1' else '_' + tier}", f"Tier {tier} covered by both sides in 14 days",
           _count(session, _covered(tier)), f"/accounts?tier={tier}") for tier in TIERS),
        ("centres", "Complete buying centres in tiers 1 to 3", _count(session, _complete()), "/accounts?tier=1"),
        ("visits", "Meetings held", _count(session, select(Task.id).where(
            Task.kind == "visit", Task.outcome.in_(MET), Task.done_at >= period.since)), "/visits?whose=all"),
        ("opened", "Tenders opened", _count(session, select(Tender.id).where(Tender.created_at >= period.since)),
         "/leads/accounts?stage=opportunity"),
        ("pipeline", "Worth of tenders opened", _opened_amount(session, period), "/leads/accounts?stage=opportunity"),
        ("kept_back", "Messages left out", _count(session, select(Delivery.id).where(
            Delivery.state.in_(_LEFT_OUT), Delivery.ended_at >= period.since)), "/campaigns"),
        ("per_engaged", "Cost per engaged account", _cost_per_engaged(session, period), "/leads?by=campaign"),
    ]


def _count(session: Session, query: Any) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _opened_amount(session: Session, period: Period) -> int:
    """In the company's currency; a tender in another one is not counted in, as no rate of its day is known here."""
    own = or_(Tender.currency.is_(None), Tender.currency.in_(("", get_company(session).currency)))
    amount = session.scalar(select(func.sum(Tender.amount)).where(Tender.created_at >= period.since, own)) or 0
    return round(amount)


def _complete() -> Any:
    """Accounts of the tiers whose required roles are all known."""
    return select(Account.id).where(Account.tier.in_(TIERS), completeness_of_account() >= 100)


def _covered(tier: str) -> Any:
    """Accounts of the tier that both a campaign and a person have touched."""
    lately = Touch.at > clock.now() - COVERED

    def touched(*by: Any) -> Any:
        return select(Touch.id).where(Touch.account_id == Account.id, lately, *by).exists()

    return select(Account.id).where(Account.tier == tier, touched(Touch.delivery_id.is_not(None)),
                                    touched(Touch.by_user_id.is_not(None)))


def _cost_per_engaged(session: Session, period: Period) -> int:
    """What all touches since the last meeting cost that were made, for each account with two engaged people now; 0
    without any."""
    cost = session.scalar(select(func.sum(cost_of_touch())).select_from(Touch)
                          .outerjoin(Delivery, Delivery.id == Touch.delivery_id).where(Touch.at >= period.since)) or 0
    engaged = _count(session, select(AccountEngagement.account_id).where(AccountEngagement.people >= 2))
    return round(Decimal(int(cost)) / MONEY_SCALE / engaged) if engaged else 0
