"""The header's numbers about both sides: qualified, answered in time, covered, engaged, kept back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.dossier.models import Tender
from abm.engagement.models import AccountEngagement, QualificationChange
from abm.meetings.hand_offs import list_hand_offs
from abm.meetings.periods import Period
from abm.work.models import Task
from abm.work.visit_steps import MET
from campaigns.models import Delivery, Touch
from campaigns.states import BOOK_OF_STATE
from core import clock
from core.db import MONEY_SCALE

COVERED = timedelta(days=14)
_LEFT_OUT = [state.value for state, book in BOOK_OF_STATE.items() if book == "suppressed"]
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
        ("covered", "Tier 1 covered by both sides in 14 days", _count(session, _covered()), "/accounts?tier=1"),
        ("visits", "Meetings held", _count(session, select(Task.id).where(
            Task.kind == "visit", Task.outcome.in_(MET), Task.done_at >= period.since)), "/visits?whose=all"),
        ("opened", "Tenders opened", _count(session, select(Tender.id).where(Tender.created_at >= period.since)),
         "/leads/accounts?stage=opportunity"),
        ("kept_back", "Messages left out", _count(session, select(Delivery.id).where(
            Delivery.state.in_(_LEFT_OUT), Delivery.ended_at >= period.since)), "/campaigns"),
        ("per_engaged", "Cost per engaged account", _cost_per_engaged(session, period), "/leads?by=campaign"),
    ]


def _count(session: Session, query: Any) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _covered() -> Any:
    """Tier 1 accounts that both a campaign and a person have touched."""
    lately = Touch.at > clock.now() - COVERED

    def touched(*by: Any) -> Any:
        return select(Touch.id).where(Touch.account_id == Account.id, lately, *by).exists()

    return select(Account.id).where(Account.tier == "1", touched(Touch.delivery_id.is_not(None)),
                                    touched(Touch.by_user_id.is_not(None)))


def _cost_per_engaged(session: Session, period: Period) -> int:
    """What all touches since the last meeting cost, for each account with two engaged people now; 0 without any."""
    cost = session.scalar(select(func.sum(Touch.cost_amount)).where(Touch.at >= period.since)) or 0
    engaged = _count(session, select(AccountEngagement.account_id).where(AccountEngagement.people >= 2))
    return round(Decimal(int(cost)) / MONEY_SCALE / engaged) if engaged else 0
