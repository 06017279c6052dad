"""Hand-offs from marketing to sales: newly qualified accounts, their clock, why they qualified, and who took part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run_id
from abm.company.queries import get_company
from abm.contacts.models import Contact
from abm.engagement.models import Cooling, EngagementEntry, QualificationChange
from abm.engagement.rules import KINDS
from abm.meetings.models import Decision
from abm.users.models import User
from abm.work.calling_hours import hours_of
from campaigns.models import Touch
from campaigns.schedule import working_deadline
from core import clock

# What sales and marketing usually agree on: an answer within two working days.
ANSWER_DAYS = 2
LOOKED_BACK = timedelta(days=30)
REASONS = 3
ANSWERS = ("accept_lead", "reject_lead", "nurture")
_MOST = 2_000
_AT_RISK = timedelta(hours=24)
_URGENCY = {"broken": 3.0, "at risk": 2.0, "new": 1.0}
_ANSWERED = 0.5


@dataclass(frozen=True, slots=True)
class HandOff:
    """An account that qualified `at` and is to be answered by `due_at`; `answered_at`: the first contact by a person or
    decision about it since, None while nobody has."""

    account_id: int
    name: str
    owner: str | None
    value: float
    at: datetime
    due_at: datetime
    answered_at: datetime | None

    def state(self, now: datetime) -> str:
        if self.answered_at is not None:
            return "met" if self.answered_at <= self.due_at else "broken"
        if now > self.due_at:
            return "broken"
        return "at risk" if self.due_at - now <= _AT_RISK else "new"


def list_hand_offs(session: Session, *, since: datetime, is_open: bool = False) -> list[HandOff]:
    """Accounts that qualified since the moment, each by its latest time. `is_open`: only those without a decision that
    do not cool down."""
    latest = (select(QualificationChange.account_id, func.max(QualificationChange.at).label("at"))
              .where(QualificationChange.is_qualified, QualificationChange.at >= since)
              .group_by(QualificationChange.account_id).subquery())
    decided = _first(Decision.decided_at, Decision.account_id == Account.id, Decision.kind.in_(ANSWERS),
                     Decision.decided_at >= latest.c.at)
    touched = _first(Touch.at, Touch.account_id == Account.id, Touch.by_user_id.is_not(None), Touch.at >= latest.c.at)
    own = (AccountResult.account_id == Account.id) & (AccountResult.run_id == latest_run_id())
    query = (select(Account.id, Account.name, Account.country, User.name, func.coalesce(AccountResult.value, 0.0),
                    latest.c.at, decided, touched)
             .join(latest, latest.c.account_id == Account.id).outerjoin(User, User.id == Account.owner_id)
             .outerjoin(AccountResult, own).order_by(latest.c.at.desc(), Account.id).limit(_MOST))
    if is_open:
        cooling = select(Cooling.account_id).where(Cooling.account_id == Account.id, Cooling.until > clock.now())
        query = query.where(decided.is_(None), ~cooling.exists())
    company = get_company(session)
    calendar = hours_of(company)
    return [HandOff(account_id, name, owner, float(value), at,
                    working_deadline(at, days=ANSWER_DAYS, calendar=calendar, zone=company.timezone,
                                     country=country or ""),
                    min((moment for moment in (decision, touch) if moment is not None), default=None))
            for account_id, name, country, owner, value, at, decision, touch in session.execute(query)]


def _first(moment: Any, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    return select(func.min(moment)).where(*where).scalar_subquery()


def rank(found: Sequence[HandOff], now: datetime) -> list[HandOff]:
    """What is worth most and most urgent first: value x urgency (broken 3, at risk 2, new 1), then the oldest."""
    return sorted(found, key=lambda one: (-(one.value + 1) * urgency_of(one.state(now)), one.due_at, one.account_id))


def urgency_of(state: str) -> float:
    """How much a hand-off's worth weighs in this state."""
    return _URGENCY.get(state, _ANSWERED)


def find_reasons(session: Session, account_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """By account the three things that spoke most for it, such as `a reply, twice (20 points)`."""
    points = func.sum(EngagementEntry.points)
    rows = session.execute(
        select(EngagementEntry.account_id, EngagementEntry.kind, func.count(), points)
        .where(EngagementEntry.account_id.in_(account_ids), EngagementEntry.at > clock.now() - 3 * LOOKED_BACK)
        .group_by(EngagementEntry.account_id, EngagementEntry.kind)
        .order_by(EngagementEntry.account_id, points.desc(), EngagementEntry.kind))
    found: dict[int, list[str]] = {}
    for account_id, kind, number, worth in rows:
        said = found.setdefault(account_id, [])
        if len(said) < REASONS:
            word = KINDS.get(kind, kind).lower()
            said.append(f"{word}{f', {number} times' if number > 1 else ''} ({worth:.0f} points)")
    return found


def find_people(session: Session, account_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """By account the names of those who took part, at most three, the most active first."""
    number = func.count()
    rows = session.execute(
        select(EngagementEntry.account_id, Contact.first_name, Contact.last_name, Contact.title)
        .join(Contact, Contact.id == EngagementEntry.contact_id)
        .where(EngagementEntry.account_id.in_(account_ids), EngagementEntry.at > clock.now() - 3 * LOOKED_BACK)
        .group_by(EngagementEntry.account_id, Contact.id, Contact.first_name, Contact.last_name, Contact.title)
        .order_by(EngagementEntry.account_id, number.desc(), Contact.id))
    found: dict[int, list[str]] = {}
    for account_id, first, last, title in rows:
        names = found.setdefault(account_id, [])
        if len(names) < REASONS:
            name = " ".join(part for part in (first, last) if part)
            names.append(f"{name} ({title})" if title else name)
    return found
