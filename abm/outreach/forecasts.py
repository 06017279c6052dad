"""Launch checks and dry runs of large campaigns: asked for, worked out by a worker, kept and found again.

A stored result is bound to the content and the people it was made for; whether both are still the same is told, and
what changes beside them (caps, suppressions, the hour) is as old as the result.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from abm.audit.actions import actor
from abm.contacts.models import Contact
from abm.outreach.launch_check import Finding, LaunchCheck, LeftOut
from abm.outreach.models import Forecast
from abm.outreach.power import Power
from abm.targets.models import ListMember, TargetList
from campaigns.approvals import fingerprint_of
from campaigns.conflicts import Conflict
from campaigns.headroom import Headroom
from campaigns.models import Campaign
from campaigns.survey import facts_of, select_people
from core import clock
from core.jobs import ring_after_commit

CHECK, DRY_RUN = "check", "dry_run"
AT_ONCE_UP_TO = 5_000
KEPT_FOR = timedelta(days=30)
RINGS_AGAIN_AFTER = timedelta(seconds=60)
SILENT_FOR = timedelta(minutes=5)
MAKE = "outreach.forecast"


def words_of(start: date | None, days: int) -> str:
    """How a dry run is asked for: its first day (empty: now) and its length."""
    return f"{start.isoformat() if start else ''}/{days}"


def read_words(asked: str) -> tuple[date | None, int]:
    start, _, days = asked.partition("/")
    return date.fromisoformat(start) if start else None, int(days or 30)


def is_large(session: Session, campaign: Campaign) -> bool:
    """Whether a worker should do it: the campaign's list has more people than a request can judge."""
    definition = facts_of(campaign).definition
    people = (select(Contact.id).join(ListMember, ListMember.account_id == Contact.account_id)
              .join(TargetList, TargetList.id == ListMember.list_id)
              .where(TargetList.name == definition.list_name, Contact.is_active.is_(True)))
    if definition.people.roles:
        people = people.where(Contact.buying_role.in_(definition.people.roles))
    first = people.limit(AT_ONCE_UP_TO + 1).subquery()
    return (session.scalar(select(func.count()).select_from(first)) or 0) > AT_ONCE_UP_TO


def audience_of(session: Session, campaign: Campaign) -> str:
    """A fingerprint of exactly the people whom the campaign means now."""
    return fingerprint_of(session, select_people(session, facts_of(campaign).definition))


def find_shown(session: Session, *, campaign: Campaign, kind: str, asked: str = "") -> Forecast | None:
    """The newest of this kind that was asked for in these words, in whatever state."""
    return session.scalar(select(Forecast).where(Forecast.campaign_id == campaign.id, Forecast.kind == kind,
                                                 Forecast.asked == asked).order_by(Forecast.id.desc()).limit(1))


def find_latest(session: Session, *, campaign: Campaign, kind: str) -> Forecast | None:
    """The newest of this kind, whatever its words."""
    return session.scalar(select(Forecast).where(Forecast.campaign_id == campaign.id, Forecast.kind == kind)
                          .order_by(Forecast.id.desc()).limit(1))


def is_current(session: Session, campaign: Campaign, forecast: Forecast | None) -> bool:
    """Whether it was made for the content and the people as they are now."""
    return (forecast is not None and forecast.state == "done" and forecast.content_hash == campaign.definition_hash
            and forecast.audience_hash == audience_of(session, campaign))


def is_under_way(forecast: Forecast | None, now: datetime) -> bool:
    """Waiting, or being worked out by a worker that was heard of lately."""
    return forecast is not None and (
        forecast.state == "waiting" or (forecast.state == "running" and forecast.beat_at > now - SILENT_FOR))


def ask_forecast(session: Session, *, campaign: Campaign, kind: str, asked: str = "") -> Forecast:
    """Have it worked out; the one under way in the same words when there is one. Older ones of it are forgotten."""
    now, found = clock.now(), find_shown(session, campaign=campaign, kind=kind, asked=asked)
    if found is None or not is_under_way(found, now):
        session.execute(delete(Forecast).where(Forecast.campaign_id == campaign.id, Forecast.kind == kind,
                                               Forecast.asked == asked))
        found = Forecast(campaign_id=campaign.id, kind=kind, asked=asked, asked_by=actor().name, asked_at=now,
                         beat_at=now)
        session.add(found)
        session.flush()
        ring_after_commit(session, MAKE, forecast_id=found.id)
    return found


def begin_forecast(session: Session, forecast_id: int, *, now: datetime) -> bool:
    """Take it for this worker. False when another one has it, or it is done or gone."""
    took = session.connection().execute(
        update(Forecast).where(Forecast.id == forecast_id, or_(Forecast.state == "waiting", _is_left(now)))
        .values(state="running", beat_at=now, people_done=0, people=0, error=""))
    return bool(took.rowcount)


def list_left_behind(session: Session, *, now: datetime) -> Sequence[int]:
    """Those that nobody works on: the bell was lost, or their worker."""
    is_unheard = and_(Forecast.state == "waiting", Forecast.beat_at < now - RINGS_AGAIN_AFTER)
    return session.scalars(select(Forecast.id).where(or_(is_unheard, _is_left(now)))).all()


def _is_left(now: datetime) -> ColumnElement[bool]:
    return and_(Forecast.state == "running", Forecast.beat_at < now - SILENT_FOR)


def remove_old(session: Session, *, now: datetime) -> None:
    session.execute(delete(Forecast).where(Forecast.asked_at < now - KEPT_FOR))


def pack_check(found: LaunchCheck) -> dict[str, Any]:
    """A launch check as plain values, without a name of anybody; `read_check` reads it back."""
    return {**asdict(found), "starts": [found.starts[0].isoformat(), found.starts[1]] if found.starts else None}


def read_check(forecast: Forecast) -> LaunchCheck | None:
    """The stored launch check; None while there is none."""
    if forecast.kind != CHECK or forecast.result is None:
        return None
    kept = dict(forecast.result)
    starts, power, headroom = kept.pop("starts"), kept.pop("power"), kept.pop("headroom")
    return LaunchCheck(
        **{**kept, "left_out": [LeftOut(**one) for one in kept["left_out"]],
           "findings": [Finding(**one) for one in kept["findings"]],
           "conflicts": [Conflict(**one) for one in kept["conflicts"]]},
        starts=(datetime.fromisoformat(starts[0]), starts[1]) if starts else None,
        power=Power(**power) if power else None, headroom=Headroom(**headroom) if headroom else None)
