"""Budgets of touches: points per account, touches per person, in the last 7 and 30 times 24 hours.

What is used is the sum over the touches themselves: hand-logged ones count, a limit that is set today knows the past,
windows slide to the second, and giving back is the removal of one row. Whoever takes holds a lock for the accounts and
people concerned: the sum is read under the lock, and the touches are inserted before it is let go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, delete, func, literal, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.caps_rules import LONG, NOTHING, SHORT, Limits, Used, refuse
from campaigns.facts import DueDelivery, RunFacts
from campaigns.inserting import insert_ignoring
from campaigns.models import Touch
from campaigns.outside import Policy, outside
from campaigns.verdict import Verdict
from core.db import is_postgres, to_scaled
from core.id_lists import is_among, is_among_given

__all__ = ["LONG", "SHORT", "Ledger", "Limits", "Used", "lock_budgets", "open_ledger", "release_caps", "take_caps"]

_STRIPES = 32
_LOCK_SPACE = 0x4341_5053
_LONGEST_HELD = "15s"


@dataclass
class Ledger:
    """What the accounts and people of a batch have used, growing as the batch's own touches are let through."""

    policy: Policy
    accounts: dict[int, Used] = field(default_factory=dict)
    people: dict[int, Used] = field(default_factory=dict)
    tiers: Mapping[int, str] = field(default_factory=dict)

    _limits: dict[str, Limits] = field(default_factory=dict)

    def limits_of(self, account_id: int) -> Limits:
        tier = self.tiers.get(account_id, "")
        if tier not in self._limits:
            self._limits[tier] = account_limits(self.policy, tier)
        return self._limits[tier]

    @cached_property
    def limits_of_a_person(self) -> Limits:
        return person_limits(self.policy)

    def used_by(self, account_id: int, contact_id: int | None) -> tuple[Used, Used]:
        """The account's points and the person's touches so far."""
        person = NOTHING if contact_id is None else self.people.get(contact_id, NOTHING)
        return self.accounts.get(account_id, NOTHING), person

    def count(self, *, account_id: int, contact_id: int | None, channel: str, at: datetime) -> None:
        """One more touch goes out."""
        account, person = self.used_by(account_id, contact_id)
        self.accounts[account_id] = account.plus(points_of(self.policy, channel), at)
        if contact_id is not None:
            self.people[contact_id] = person.plus(1, at)

    def admit(self, *, account_id: int, contact_id: int | None, channel: str, at: datetime) -> Verdict | None:
        """None and counted when it fits into every budget; else the refusal, and nothing is counted."""
        account, person = self.used_by(account_id, contact_id)
        points = points_of(self.policy, channel)
        refusal = (refuse("account", self.limits_of(account_id), account, points, at)
                   or refuse("person", self.limits_of_a_person, person, 1, at))
        if refusal is None:
            self.count(account_id=account_id, contact_id=contact_id, channel=channel, at=at)
        return refusal


def account_limits(policy: Policy, tier: str) -> Limits:
    """The account's budget of points: its tier's own, else the one for all."""
    own = policy.account_points_by_tier.get(tier)
    return Limits(*own) if own else Limits(policy.account_points_7_days, policy.account_points_30_days)


def person_limits(policy: Policy) -> Limits:
    """The person's budget of touches."""
    return Limits(policy.person_touches_7_days, policy.person_touches_30_days)


def are_accounts_limited(policy: Policy) -> bool:
    return account_limits(policy, "").is_set or any(any(own) for own in policy.account_points_by_tier.values())


def points_of(policy: Policy, channel: str) -> int:
    return int(policy.channel_points.get(channel, 1))


def open_ledger(session: Session, *, accounts: Iterable[int], people: Iterable[int], policy: Policy,
                at: datetime) -> Ledger:
    """Read what has been used up to `at`: two queries at most, and one for tiers that have budgets of their own."""
    ledger, ids = Ledger(policy), set(accounts)
    if are_accounts_limited(policy):
        ledger.accounts = _read_used(session, _USED_BY_ACCOUNT, ids, at)
    if person_limits(policy).is_set:
        ledger.people = _read_used(session, _USED_BY_PERSON, set(people), at)
    if policy.account_points_by_tier:
        ledger.tiers = outside().people.tiers(session, sorted(ids))
    return ledger


def _read_used(session: Session, used_by: Select[Any], ids: set[int], at: datetime) -> dict[int, Used]:
    # plain rows: nothing of the ORM is wanted for the many that sending reads
    rows = session.connection().execute(used_by, {"ids": ids, "short": at - SHORT, "long": at - LONG}).all()
    return {row[0]: Used(int(row[1] or 0), int(row[2] or 0), row[3], row[4]) for row in rows}


def _used_by(owner: InstrumentedAttribute[Any], amount: ColumnElement[int] | Any) -> Select[Any]:
    is_recent = Touch.at > bindparam("short")
    return (
        select(owner, func.sum(case((is_recent, amount), else_=0)), func.sum(amount),
               func.min(case((is_recent, Touch.at))), func.min(Touch.at))
        .where(is_among_given(owner, "ids"), Touch.at > bindparam("long")).group_by(owner))


_USED_BY_ACCOUNT = _used_by(Touch.account_id, Touch.points)
_USED_BY_PERSON = _used_by(Touch.contact_id, literal(1))


def take_caps(session: Session, deliveries: Sequence[DueDelivery], *, run: RunFacts, policy: Policy,
              at: datetime) -> dict[int, Verdict]:
    """Record a touch for each delivery that fits its budgets, first due first; a deferral by id for each that does not.

    Call it in the transaction of the hand-over (T5), after which exactly the deliveries not in the answer may go out.
    An exempt run is counted and never refused. A second call for the same delivery counts nothing twice.
    """
    ordered = sorted(deliveries, key=lambda due: (due.due_at, due.id))
    refused: dict[int, Verdict] = {}
    if not run.is_cap_exempt and ordered:
        accounts, people = {due.account_id for due in ordered}, {due.contact_id for due in ordered}
        lock_budgets(session, accounts=accounts if are_accounts_limited(policy) else (),
                     people=people if person_limits(policy).is_set else ())
        ledger = open_ledger(session, accounts=accounts, people=people, policy=policy, at=at)
        for due in ordered:
            refusal = ledger.admit(account_id=due.account_id, contact_id=due.contact_id, channel=due.channel, at=at)
            if refusal:
                refused[due.id] = refusal
    taken = [due for due in ordered if due.id not in refused]
    insert_ignoring(session, Touch, _touch_rows(taken, run, policy, at))
    return refused


def _touch_rows(dues: Sequence[DueDelivery], run: RunFacts, policy: Policy, at: datetime) -> list[Mapping[str, Any]]:
    alike = {channel: {"channel": channel, "points": points_of(policy, channel), "by_user_id": None,
                       "cost_amount": cost_of(policy, channel), "note": run.campaign_name, "at": at}
             for channel in {due.channel for due in dues}}
    return [{"account_id": due.account_id, "contact_id": due.contact_id, "delivery_id": due.id, **alike[due.channel]}
            for due in dues]


def cost_of(policy: Policy, channel: str) -> int:
    """What one touch by this channel costs, in ten-thousandths of the company's currency."""
    return to_scaled(Decimal(str(policy.channel_costs.get(channel, 0))))


def lock_budgets(session: Session, *, accounts: Iterable[int], people: Iterable[int]) -> None:
    """Hold these budgets until the transaction ends, always in the same order, so that nobody deadlocks.

    Budgets share a few dozen locks, so that a slice needs few of them and none leaves a row behind. On SQLite the
    writing transaction is the lock. A process that is frozen while it holds them is cut off by the database.
    """
    stripes = {one % _STRIPES for one in accounts} | {_STRIPES + one % _STRIPES for one in people}
    if not stripes or not is_postgres(session):
        return
    session.execute(text("SELECT set_config('idle_in_transaction_session_timeout', :longest, true)"),
                    {"longest": _LONGEST_HELD})
    session.execute(text("SELECT pg_advisory_xact_lock(:space, stripe) FROM unnest(CAST(:stripes AS int[])) AS stripe"),
                    {"space": _LOCK_SPACE, "stripes": sorted(stripes)})


def release_caps(session: Session, delivery_ids: Iterable[int]) -> int:
    """Give back what these deliveries took (T7, T9a, settlement); how many had taken. Harmless when repeated."""
    given_back = session.connection().execute(delete(Touch).where(is_among(Touch.delivery_id, set(delivery_ids))))
    return given_back.rowcount
