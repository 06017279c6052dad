"""Reading the ledger and what it comes to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.spans import Whose, everybody
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run_id
from abm.engagement.models import AccountEngagement, Cooling, EngagementEntry, EngagementRules, QualificationChange
from abm.engagement.rules import (
    DEFAULT_RULES,
    PEOPLE_DAYS,
    WINDOW_DAYS,
    with_defaults,
)
from campaigns.models import ConversationLock, Touch
from core.db import UtcDateTime, is_postgres


def present_rules(session: Session) -> tuple[dict[str, Any], int]:
    """The rules in force and their version; the defaults are version 0 until somebody publishes."""
    found = session.scalars(select(EngagementRules).order_by(EngagementRules.id.desc()).limit(1)).first()
    return (with_defaults(found.content), found.id) if found else (DEFAULT_RULES, 0)


def list_rules(session: Session) -> Sequence[EngagementRules]:
    """Every version, the newest first."""
    return session.scalars(select(EngagementRules).order_by(EngagementRules.id.desc()).limit(50)).all()


def count_engagement(session: Session) -> dict[str, int]:
    """How many accounts have anything to say, are qualified, and show signs of fading."""
    own = AccountEngagement
    counts = session.execute(select(func.count(), func.count().filter(own.is_qualified),
                                    func.count().filter(own.decay != ""))).one()
    return {"accounts": counts[0], "qualified": counts[1], "fading": counts[2]}


def find_engagement(session: Session, account_id: int) -> AccountEngagement | None:
    return session.get(AccountEngagement, account_id)


def find_cooling(session: Session, account_id: int, *, now: datetime) -> Cooling | None:
    """Until when the account is not qualified whatever it does; None where it may be."""
    found = session.get(Cooling, account_id)
    return found if found is not None and found.until > now else None


def list_entries(session: Session, account_id: int, *, now: datetime, limit: int = 200) -> Sequence[EngagementEntry]:
    """The account's rows of the last 90 days, the newest first."""
    since = now - timedelta(days=WINDOW_DAYS)
    query = select(EngagementEntry).where(EngagementEntry.account_id == account_id, EngagementEntry.at >= since)
    return session.scalars(query.order_by(EngagementEntry.at.desc(), EngagementEntry.id.desc()).limit(limit)).all()


def list_changes(session: Session, account_id: int) -> Sequence[QualificationChange]:
    """When the account became qualified or ceased to be, the latest first."""
    query = select(QualificationChange).where(QualificationChange.account_id == account_id)
    return session.scalars(query.order_by(QualificationChange.id.desc()).limit(20)).all()


def select_state(session: Session, rules: dict[str, Any], now: datetime, whose: Whose = everybody) -> Select[Any]:
    """One row per account with anything to say: all numbers that the expression and the signs of decay need."""
    points, people = _points(session, rules, now, whose), _people(now, whose)
    answers, touches = _answers(now, whose), _touches(now, whose)
    anything = (points.c.points.is_not(None) | touches.c.account_id.is_not(None) | answers.c.account_id.is_not(None)
                | AccountEngagement.account_id.is_not(None)
                | (AccountResult.recent_gap_days >= rules["fading"]["longer_from"] * AccountResult.median_gap_days))
    is_locked = select(ConversationLock.account_id).where(
        ConversationLock.account_id == Account.id, ConversationLock.until > now).exists()
    is_cooling = select(Cooling.account_id).where(Cooling.account_id == Account.id, Cooling.until > now).exists()

    def of(column: Any) -> ColumnElement[Any]:
        return func.coalesce(column, 0)

    found = (
        select(
            Account.id.label("account_id"), Account.tier, Account.employees,
            (100.0 * of(AccountResult.key_membership)).label("fit"), of(points.c.points).label("points"),
            of(people.c.people).label("people"), of(touches.c.now).label("touches"),
            of(touches.c.before).label("touches_before"), of(answers.c.now).label("answers"),
            of(answers.c.before).label("answers_before"), AccountResult.recent_gap_days, AccountResult.median_gap_days,
            is_locked.label("is_locked"), is_cooling.label("is_cooling"),
            func.coalesce(AccountEngagement.is_qualified, false()).label("was_qualified"))
        .select_from(Account)
        .outerjoin(points, points.c.account_id == Account.id).outerjoin(people, people.c.account_id == Account.id)
        .outerjoin(touches, touches.c.account_id == Account.id).outerjoin(answers, answers.c.account_id == Account.id)
        .outerjoin(AccountEngagement, AccountEngagement.account_id == Account.id)
        .outerjoin(AccountResult, (AccountResult.account_id == Account.id) & (AccountResult.run_id == latest_run_id()))
        .where(anything, whose(Account.id))
        .subquery()
    )
    decay = _decay(found.c, rules["fading"])
    return select(found, _is_qualified(found.c, rules).label("is_qualified"), decay.label("decay"))


def _is_qualified(state: Any, rules: dict[str, Any]) -> ColumnElement[bool]:
    """The expression of `rules.evaluate`, for all accounts at once; a test holds the two to each other."""
    needed = rules["needed"]

    def by_tier(name: str) -> ColumnElement[Any]:
        tiers = {str(tier): float(value) for tier, value in needed[f"{name}_by_tier"].items()}
        other = literal(float(needed[name]), Float)
        return case(tiers, value=state.tier, else_=other) if tiers else other

    is_large = func.coalesce(state.employees, 0) >= needed["large_from"]
    factor = case((is_large, float(needed["large_factor"])), else_=1.0)
    return and_(state.fit >= by_tier("fit"), state.points >= by_tier("points") * factor - 1e-9,
                state.people >= needed["people"], not_(state.is_locked), not_(state.is_cooling))


def _decay(state: Any, lines: dict[str, float]) -> ColumnElement[str]:
    """The signs of `rules.decay_signs`, joined by commas."""
    fallen = lines["fallen_to"]
    contact = and_(state.touches_before >= lines["fewest_touches"], state.touches <= fallen * state.touches_before)
    response = and_(state.answers_before >= lines["fewest_answers"], state.answers <= fallen * state.answers_before)
    gaps = and_(state.median_gap_days > 0, state.recent_gap_days >= lines["longer_from"] * state.median_gap_days)
    first, second, third = (type_coerce(case((sign, f",{name}"), else_=""), String) for sign, name in (
        (contact, "contact"), (response, "response"), (gaps, "gaps")))
    return func.substr(first + second + third, 2)


def _age_days(session: Session, now: datetime) -> ColumnElement[Any]:
    moment = literal(now, UtcDateTime)
    if is_postgres(session):
        return func.extract("epoch", moment - EngagementEntry.at) / 86400.0
    return func.julianday(moment) - func.julianday(EngagementEntry.at)


def _points(session: Session, rules: dict[str, Any], now: datetime, whose: Whose) -> Any:
    """Points now per account: faded, cut at the group's limit, added up."""
    left = 1.0 - cast(_age_days(session, now), Float) / float(rules["decay_days"])
    factor = case((left < 0, 0.0), (left > 1, 1.0), else_=left)
    group = case(dict(rules["group"]), value=EngagementEntry.kind, else_="reading").label("grp")
    by_group = (select(EngagementEntry.account_id, group, func.sum(EngagementEntry.points * factor).label("points"))
                .where(EngagementEntry.at >= now - timedelta(days=WINDOW_DAYS), whose(EngagementEntry.account_id))
                .group_by(EngagementEntry.account_id, group).subquery())
    limit = case({name: float(value) for name, value in rules["limits"].items()}, value=by_group.c.grp, else_=0.0)
    cut = case((by_group.c.points > limit, limit), else_=by_group.c.points)
    return select(by_group.c.account_id, func.sum(cut).label("points")).group_by(by_group.c.account_id).subquery()


def _people(now: datetime, whose: Whose) -> Any:
    return (select(EngagementEntry.account_id, func.count(EngagementEntry.contact_id.distinct()).label("people"))
            .where(EngagementEntry.at >= now - timedelta(days=PEOPLE_DAYS), whose(EngagementEntry.account_id))
            .group_by(EngagementEntry.account_id).subquery())


def _answers(now: datetime, whose: Whose) -> Any:
    counts = and_(EngagementEntry.source != "order", whose(EngagementEntry.account_id))
    return _two_windows(EngagementEntry.account_id, EngagementEntry.at, now, counts)


def _touches(now: datetime, whose: Whose) -> Any:
    return _two_windows(Touch.account_id, Touch.at, now, and_(Touch.account_id.is_not(None), whose(Touch.account_id)))


def _two_windows(account: Any, at: Any, now: datetime, condition: ColumnElement[bool]) -> Any:
    """Per account: how many in the last 90 days, and in the 90 before."""
    edge, since = now - timedelta(days=WINDOW_DAYS), now - timedelta(days=2 * WINDOW_DAYS)
    return (select(account.label("account_id"), func.sum(case((at >= edge, 1), else_=0)).label("now"),
                   func.sum(case((at < edge, 1), else_=0)).label("before"))
            .where(condition, at >= since, at <= now).group_by(account).subquery())
