"""What campaigns did with accounts: enrolments and their outcomes, touches, and the pressure of the last days."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, extract, func, join, literal, select

from abm.accounts.models import Account
from abm.targets.extending import add_account_fields
from abm.targets.sources import Column, Scope, Source, make_fields, register
from abm.targets.vocabulary import FieldType, Subject
from campaigns.models import Campaign, Delivery, Enrolment, Event, Run, Touch
from campaigns.states import CampaignState, EnrolmentState

_T, _N, _D, _B = FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.TRUTH
_enrolment, _campaign, _touch = Enrolment.__table__.c, Campaign.__table__.c, Touch.__table__.c

_CAMPAIGN = make_fields(
    "campaign", "Campaigns",
    ("name", "campaign", _T), ("state", "campaign state", _T, tuple(CampaignState)),
    ("enrolment", "the person's state", _T, tuple(EnrolmentState)), ("end_reason", "reason of the end", _T),
    ("enrolled_at", "day of enrolment", _D), ("purpose", "purpose", _T),
    ("last_sent_on", "day of the last message", _D),
    ("replied", "has replied", _B), ("clicked", "has clicked (not a machine)", _B), ("bounced", "has bounced", _B),
)


def _messages() -> Select[Any]:
    """The messages of an enrolment, still without columns; over the index by person."""
    own = and_(Delivery.contact_id == Enrolment.contact_id, Delivery.run_id == Enrolment.run_id)
    return select().select_from(Delivery).where(own)


def _last_sent() -> ColumnElement[Any]:
    return _messages().add_columns(func.max(Delivery.sent_at)).correlate(Enrolment).scalar_subquery()


def _came_back(*kinds: str) -> ColumnElement[bool]:
    """Whether an event of these kinds, made by a human, belongs to one of the messages."""
    found = and_(Event.delivery_id == Delivery.id, Event.kind.in_(kinds), Event.is_machine.is_(False))
    return _messages().add_columns(Delivery.id).join(Event, found).correlate(Enrolment).exists()


_OUTCOMES = ("enrolment", "event", "campaign")
register(Source(
    Subject("campaign", "enrolment in a campaign", "enrolments in campaigns", _CAMPAIGN),
    join(join(Enrolment.__table__, Run.__table__, Enrolment.run_id == Run.id), Campaign.__table__,
         Run.campaign_id == Campaign.id),
    _enrolment.account_id,
    {"campaign.name": Column(_campaign.name), "campaign.state": Column(_campaign.state),
     "campaign.enrolment": Column(_enrolment.state), "campaign.end_reason": Column(_enrolment.end_reason),
     "campaign.enrolled_at": Column(_enrolment.enrolled_at, is_moment=True),
     "campaign.purpose": Column(_campaign.purpose),
     "campaign.last_sent_on": Column(_last_sent(), is_moment=True, follows=("enrolment", "touch")),
     "campaign.replied": Column(_came_back("reply"), follows=_OUTCOMES),
     "campaign.clicked": Column(_came_back("click"), follows=_OUTCOMES),
     "campaign.bounced": Column(_came_back("bounce_hard", "bounce_soft"), follows=_OUTCOMES)},
    follows=("enrolment", "campaign"),
))

_TOUCH = make_fields(
    "touch", "Touches",
    ("channel", "channel", _T), ("at", "day of the touch", _D), ("points", "points", _N),
)
register(Source(
    Subject("touch", "touch", "touches", _TOUCH), Touch.__table__, _touch.account_id,
    {"touch.channel": Column(_touch.channel), "touch.at": Column(_touch.at, is_moment=True),
     "touch.points": Column(_touch.points)},
    follows=("touch",),
))


def _start_of(day: date, scope: Scope) -> datetime:
    return datetime.combine(day, time(), scope.zone)


def _points(days: int, scope: Scope) -> ColumnElement[Any]:
    """Points of today and the days before it, `days` in all."""
    since = _start_of(scope.today - timedelta(days=days - 1), scope)
    total = select(func.coalesce(func.sum(Touch.points), 0)).where(Touch.account_id == Account.id, Touch.at >= since)
    return total.correlate(Account).scalar_subquery()


def _last_touch() -> ColumnElement[Any]:
    return select(func.max(Touch.at)).where(Touch.account_id == Account.id).correlate(Account).scalar_subquery()


def _days_since_touch(scope: Scope) -> ColumnElement[Any]:
    """0 for a touch of today, counted back from the end of today in steps of 24 hours."""
    last, end = _last_touch(), int(_start_of(scope.today + timedelta(days=1), scope).timestamp())
    moment = extract("epoch", last) if scope.is_postgres else func.strftime("%s", last)
    return (literal(end, BigInteger()) - cast(moment, BigInteger)) // literal(86_400, BigInteger())


_PRESSURE = make_fields(
    "campaign", "Contact pressure",
    ("last_touched_on", "day of the last touch", _D), ("days_since_last_touch", "days since the last touch", _N),
    ("points_7_days", "contact points of 7 days", _N),
    ("points_30_days", "contact points of 30 days", _N),
)
_COLUMNS = {
    "campaign.last_touched_on": Column(_last_touch(), is_moment=True, follows=("touch",)),
    "campaign.days_since_last_touch": Column(_days_since_touch, follows=("touch",)),
    "campaign.points_7_days": Column(partial(_points, 7), follows=("touch",)),
    "campaign.points_30_days": Column(partial(_points, 30), follows=("touch",)),
}
add_account_fields({name: (field, _COLUMNS[name]) for name, field in _PRESSURE.items()})
