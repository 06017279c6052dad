"""What calls cost: minutes times the company's rate, per try, caller, day and campaign."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, case, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.users.models import User
from abm.work.models import CallTry, Task
from abm.work.outcomes import TALKED
from campaigns.models import Campaign, Delivery, Run, Touch
from core.db import to_scaled

_CENT = Decimal("0.01")


def cost_of(seconds: int, minute_cost: str) -> Decimal:
    """Seconds of a call at the rate of a minute, to the cent; a started minute counts as far as it went."""
    return (Decimal(seconds) / 60 * Decimal(minute_cost)).quantize(_CENT, ROUND_HALF_UP)


def charge_touch(session: Session, touch: Touch | None, task_id: int) -> None:
    """Put the cost of all tries of the call so far on its touch; a call without minutes keeps the usual price."""
    if touch is None:
        return
    seconds, cost = session.execute(
        select(func.sum(CallTry.seconds), func.sum(type_coerce(CallTry.cost_amount, BigInteger)))
        .where(CallTry.task_id == task_id)).one()
    if seconds:
        touch.seconds, touch.cost_amount = int(seconds), int(cost or 0)


class CallSum(NamedTuple):
    """Calls of one caller, day or campaign; `cost` and `per_contact` in the company's currency."""

    name: str
    tries: int
    talked: int
    seconds: int
    cost: Decimal

    @property
    def per_contact(self) -> Decimal | None:
        return self.cost / self.talked if self.talked else None


_SUMS = (
    func.count(CallTry.id), func.coalesce(func.sum(case((CallTry.outcome.in_(TALKED), 1), else_=0)), 0),
    func.coalesce(func.sum(CallTry.seconds), 0),
    func.coalesce(func.sum(type_coerce(CallTry.cost_amount, BigInteger)), 0),
)


def sum_by_caller(session: Session, *, on: date) -> list[CallSum]:
    """The tries of a day by caller, whoever called most first."""
    zone = ZoneInfo(get_company(session).timezone)
    start, end = (datetime.combine(day, time.min, zone) for day in (on, on + timedelta(days=1)))
    return _read(session.execute(
        select(func.coalesce(User.name, "by command"), *_SUMS).outerjoin(User, User.id == CallTry.user_id)
        .where(CallTry.at >= start, CallTry.at < end).group_by(User.id, User.name).order_by(_SUMS[0].desc())).all())


def sum_by_campaign(session: Session, *, since: datetime) -> list[CallSum]:
    """The tries since a moment by campaign, calls by hand among them; the dearest first."""
    delivery_id = cast(case((Task.origin == "campaign", Task.origin_id)), BigInteger)
    return _read(session.execute(
        select(func.coalesce(Campaign.title, "By hand"), *_SUMS).select_from(CallTry)
        .join(Task, Task.id == CallTry.task_id).outerjoin(Delivery, Delivery.id == delivery_id)
        .outerjoin(Run, Run.id == Delivery.run_id).outerjoin(Campaign, Campaign.id == Run.campaign_id)
        .where(CallTry.at >= since).group_by(Campaign.id, Campaign.title).order_by(_SUMS[3].desc())).all())


def list_tries(session: Session, task_id: int) -> Sequence[CallTry]:
    return session.scalars(select(CallTry).where(CallTry.task_id == task_id).order_by(CallTry.id)).all()


def _read(rows: Sequence[Any]) -> list[CallSum]:
    return [CallSum(name, tries, int(talked), int(seconds), Decimal(int(cost)) / to_scaled(Decimal(1)))
            for name, tries, talked, seconds, cost in rows]
