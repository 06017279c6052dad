"""Reading what a campaign brought: accounts written to against those held out, from their first send (or ghost) on.

An account counts with its sites as one, because they were drawn together; in it count the accounts that took part.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Float,
    Row,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import AccountDay
from abm.outreach.effect_rules import HELD_OUT, TREATED, Contamination, Effect, Group
from abm.outreach.moment_days import day_of_moment
from campaigns.costs import cost_of_sent
from campaigns.experiments import Amounts
from campaigns.models import Campaign, Delivery, HoldoutGhost, Run, Touch
from campaigns.states import CampaignState, states_of
from campaigns.tally import reach_messages, tally_messages
from core.db import MONEY_SCALE

_SENT = states_of("sent")
_ARMS = {(1, 0): TREATED, (0, 1): HELD_OUT}


def read_effect(session: Session, campaign: Campaign, *, days: int | None = None) -> Effect:
    """The comparison as of now. `days`: count orders for so many days from each account's first send; None: all since.

    Three statements, whatever the number of accounts.
    """
    percent = session.scalar(select(func.max(Run.holdout_percent)).where(Run.campaign_id == campaign.id)) or 0
    rows = {(row.has_sent, row.has_ghost): row for row in session.execute(_groups(session, campaign.id, days))}
    groups = {name: _group(rows[key]) for key, name in _ARMS.items() if key in rows}
    return Effect(
        campaign=campaign.name, holdout_percent=percent,
        is_running=campaign.state in (CampaignState.RUNNING, CampaignState.PAUSED),
        treated=groups.get(TREATED, Group()), held_out=groups.get(HELD_OUT, Group()),
        mixed=rows[1, 1].accounts if (1, 1) in rows else 0, touched=_read_contamination(session, campaign.id),
        cost=float(cost_of_sent(session, tally_messages(session, campaign.id))), days=days)


def _group(row: Row[Any]) -> Group:
    return Group(row.accounts, int(row.members), int(row.ordered),
                 Amounts(row.accounts, float(row.orders), float(row.orders_squared)),
                 Amounts(row.accounts, float(row.value), float(row.value_squared)))


def _participants(session: Session, campaign_id: int) -> CTE:
    """account_id, family, has_sent, has_ghost and started, of all accounts written to or left alone."""
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    sent = select(Delivery.account_id.label("account_id"), literal(1).label("is_sent"),
                  func.min(Delivery.sent_at).label("at")).where(
        *reach_messages(session, campaign_id), Delivery.state.in_(_SENT), Delivery.sent_at.is_not(None)
    ).group_by(Delivery.account_id)
    ghosts = select(HoldoutGhost.account_id, literal(0), func.min(HoldoutGhost.would_have_sent_at)).where(
        HoldoutGhost.run_id.in_(runs)).group_by(HoldoutGhost.account_id)
    both = union_all(sent, ghosts).subquery()
    return (select(both.c.account_id, func.coalesce(Account.parent_id, Account.id).label("family"),
                   func.max(both.c.is_sent).label("has_sent"), func.max(1 - both.c.is_sent).label("has_ghost"),
                   func.min(both.c.at).label("started"))
            .join(Account, Account.id == both.c.account_id)
            .group_by(both.c.account_id, Account.parent_id, Account.id).cte("participants"))


def _groups(session: Session, campaign_id: int, days: int | None) -> Any:
    people = _participants(session, campaign_id)
    counted = [AccountDay.account_id == people.c.account_id, AccountDay.day >= day_of_moment(session, people.c.started)]
    if days is not None:
        counted.append(AccountDay.day < day_of_moment(session, people.c.started, plus=days))
    amount = cast(type_coerce(AccountDay.amount, BigInteger), Float) / MONEY_SCALE
    families = (
        select(people.c.family, func.max(people.c.has_sent).label("has_sent"),
               func.max(people.c.has_ghost).label("has_ghost"),
               func.count(people.c.account_id.distinct()).label("members"),
               cast(func.coalesce(func.sum(AccountDay.orders), 0), Float).label("orders"),
               func.coalesce(func.sum(amount), 0.0).label("value"))
        .select_from(people).outerjoin(AccountDay, and_(*counted)).group_by(people.c.family).subquery())
    one = families.c
    return select(
        one.has_sent, one.has_ghost, func.count().label("accounts"), func.sum(one.members).label("members"),
        func.sum(case((one.orders > 0, 1), else_=0)).label("ordered"), func.sum(one.orders).label("orders"),
        func.sum(one.orders * one.orders).label("orders_squared"), func.sum(one.value).label("value"),
        func.sum(one.value * one.value).label("value_squared")).group_by(one.has_sent, one.has_ghost)


def _read_contamination(session: Session, campaign_id: int) -> dict[str, Contamination]:
    """Touches of other campaigns and by hand, per group, from the account's first send (or ghost) on."""
    people, runs = _participants(session, campaign_id), select(Run.id).where(Run.campaign_id == campaign_id)
    families = (
        select(people.c.family, func.max(people.c.has_sent).label("has_sent"),
               func.max(people.c.has_ghost).label("has_ghost"),
               func.max(case((Touch.delivery_id.is_not(None), 1), else_=0)).label("by_campaign"),
               func.max(case((Touch.delivery_id.is_(None), 1), else_=0)).label("by_hand"))
        .select_from(people)
        .join(Touch, and_(Touch.account_id == people.c.account_id, Touch.at >= people.c.started))
        .outerjoin(Delivery, Delivery.id == Touch.delivery_id)
        .where(or_(Touch.delivery_id.is_(None), Delivery.run_id.is_(None), Delivery.run_id.not_in(runs)))
        .group_by(people.c.family).subquery())
    one = families.c
    found = session.execute(select(one.has_sent, one.has_ghost, func.sum(one.by_campaign), func.sum(one.by_hand),
                                   func.count()).group_by(one.has_sent, one.has_ghost))
    known = {_ARMS[row[0], row[1]]: Contamination(int(row[2]), int(row[3]), row[4]) for row in found
             if (row[0], row[1]) in _ARMS}
    return {TREATED: known.get(TREATED, Contamination()), HELD_OUT: known.get(HELD_OUT, Contamination())}
