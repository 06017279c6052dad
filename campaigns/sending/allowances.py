"""An identity's limits per second, day and recipient domain: exact, however many workers share them.

What is used is kept in cap_bucket. Rows are locked in one order everywhere (scope, then key, after those of accounts
and people) and counted up in the hand-over commit itself, so that a limit is reached and never passed. What a relay did
not take is given back.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, delete, func, or_, select, text, tuple_, union_all, update
from sqlalchemy.orm import Session

from campaigns.facts import DueDelivery
from campaigns.inserting import insert_ignoring
from campaigns.models import Batch, CapBucket, Delivery
from campaigns.outside import outside
from campaigns.sending import breaker
from campaigns.sending.ramp import day_limit
from campaigns.sending.routes import Route
from campaigns.states import Channel, Reason
from campaigns.value_rows import to_rows, value_rows
from campaigns.verdict import Verdict, defer
from core import clock
from core.db import is_postgres

DOMAIN, SECOND, SENDER = "domain", "second", "sender"
KEPT_DAYS = 3
OTHERS_TURN = timedelta(minutes=5)
LOOKED_AT, MOST_RIVALS = 20_000, 100


_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Day:
    """The day that limits count by: the company's own, with the moment when the next one begins."""

    window: str
    ends_at: datetime


def day_of(session: Session, at: datetime) -> Day:
    zone = ZoneInfo(outside().company.policy(session).zone)
    day = at.astimezone(zone).date()
    return Day(day.isoformat(), datetime.combine(day + timedelta(days=1), time(0), zone))


def find_closed(session: Session, route: Route, at: datetime) -> Verdict | None:
    """Why nothing may leave this way now, with the moment when it may again; None when something may."""
    if pause := breaker.find_pause(session, route.health_id, at):
        return pause
    if not route.is_limited_by_day:
        return None
    day = day_of(session, at)
    limit = limit_on(route, day)
    return _day_is_full(route, limit, day) if used_on(session, route.identity_id, day.window) >= limit else None


def limit_on(route: Route, day: Day) -> int:
    return day_limit(route.per_day, route.warm_up, datetime.fromisoformat(day.window).date())


def used_on(session: Session, identity_id: int, window: str) -> int:
    return session.scalar(select(CapBucket.used).where(
        CapBucket.scope == SENDER, CapBucket.key == str(identity_id), CapBucket.window == window)) or 0


def fair_shares(session: Session, route: Route, *, runs: Sequence[int], at: datetime) -> dict[int, int] | None:
    """How many messages each of these runs, which all have some due, may claim now; None: there is no limit.

    Over the day they get equal parts: who has sent more of it waits for the others.
    """
    at_once = max(route.per_second * 5, 1)
    if not route.is_limited_by_day:
        return dict.fromkeys(runs, at_once) if route.per_second else None
    day = day_of(session, at)
    left = max(limit_on(route, day) - used_on(session, route.identity_id, day.window), 0)
    keys = {_run_key(route, run_id): run_id for run_id in runs}
    used = dict.fromkeys(runs, 0) | {keys[key]: many for key, many in session.execute(select(
        CapBucket.key, CapBucket.used).where(CapBucket.scope == SENDER, CapBucket.window == day.window,
                                             CapBucket.key.in_(list(keys))))}
    part = (sum(used.values()) + left) / len(runs)
    shares = {run_id: max(math.ceil(part - used[run_id]), 0) for run_id in runs}
    return {run_id: min(many, at_once) for run_id, many in shares.items()} if route.per_second else shares


def _run_key(route: Route, run_id: int) -> str:
    return f"{route.identity_id}/{run_id}"


def find_rivals(session: Session, route: Route, *, domains: set[str], runs: Sequence[int],
                at: datetime) -> dict[str, frozenset[int]]:
    """By recipient domain which of these runs have something due there, so that each gets its part of what the domain
    may still get today. Looks at what each has due first, `LOOKED_AT` messages of all together, since this is asked for
    every batch; nothing where no limit is kept or nobody else waits."""
    if not (route.per_domain_day and runs and domains):
        return {}
    looked_into = runs[:MOST_RIVALS]
    due = union_all(*(_first_due(run_id, at, LOOKED_AT // len(looked_into)) for run_id in looked_into)).subquery()
    at_sign = func.instr(due.c.address, "@")
    if is_postgres(session):
        at_sign = func.strpos(due.c.address, "@")
    domain = func.lower(func.substr(due.c.address, at_sign + 1))
    found: dict[str, set[int]] = {}
    for name, run_id in session.execute(select(domain, due.c.run_id).distinct().where(domain.in_(domains))):
        found.setdefault(name, set()).add(run_id)
    return {name: frozenset(run_ids) for name, run_ids in found.items()}


def _first_due(run_id: int, at: datetime, most: int) -> Select[str | None, int]:
    rows = (select(Delivery.address, Delivery.run_id)
            .where(Delivery.run_id == run_id, text("delivery.is_waiting"), Delivery.due_at <= at,
                   Delivery.channel == Channel.EMAIL).order_by(Delivery.due_at).limit(most).subquery())
    return select(rows.c.address, rows.c.run_id)


def take_second(session: Session, route: Route, wanted: int) -> int:
    """How many of `wanted` messages may be begun in this second; the others wait for the next one."""
    if not route.per_second:
        return wanted
    window = f"{int(clock.lease_now(session)):012d}"
    key = (SECOND, str(route.identity_id), window)
    used = _lock(session, [key])[key]
    taken = max(min(wanted, route.per_second - used), 0)
    _set(session, {key: used + taken})
    return taken


@dataclass
class _Counting:
    """Locked buckets, counted up as messages are let through."""

    route: Route
    day: Day
    day_limit: int
    used: dict[tuple[str, str, str], int]
    parts: Mapping[str, int]
    at: datetime
    refused: dict[int, Verdict] = field(default_factory=dict)

    def admit(self, due: DueDelivery) -> None:
        day_key = (SENDER, str(self.route.identity_id), self.day.window)
        domain_key = _domain_key(self.route, due, self.day)
        own_key = _own_domain_key(self.route, due, self.day)
        if self.day_limit and self.used[day_key] >= self.day_limit:
            self.refused[due.id] = _day_is_full(self.route, self.day_limit, self.day)
        elif self.route.per_domain_day and self.used[domain_key] >= self.route.per_domain_day:
            self.refused[due.id] = defer(Reason.SENDING_LIMIT, self.day.ends_at, (
                f"{self.route.name} has sent its {self.route.per_domain_day:,} messages of today to "
                f"{_domain(due)}; an admin can raise the limit per recipient domain"))
        elif _domain(due) in self.parts and self.used[own_key] >= self.parts[_domain(due)]:
            self.refused[due.id] = defer(Reason.SENDING_LIMIT, self.at + OTHERS_TURN, (
                f"{self.route.name} sends {self.route.per_domain_day:,} messages a day to {_domain(due)}, and other "
                "campaigns have their part of them; what they do not need is used in a few minutes"))
        else:
            for key in (day_key, domain_key, own_key, (SENDER, _run_key(self.route, due.run_id), self.day.window)):
                if key in self.used:
                    self.used[key] += 1


def take_day(session: Session, dues: Sequence[DueDelivery], *, route: Route, batch_id: int, at: datetime,
             rivals: Mapping[str, frozenset[int]] = MappingProxyType({})) -> dict[int, Verdict]:
    """Count these messages, all of one run, for the day and their domains, first due first; a deferral for each that
    does not fit. `rivals`: as `find_rivals` found them.

    Call it last in the hand-over commit. Nothing is locked for an identity without limits.
    """
    if not dues or not (route.is_limited_by_day or route.per_domain_day):
        return {}
    day = day_of(session, at)
    ordered = sorted(dues, key=lambda due: (due.due_at, due.id))
    keys = {key(route, due, day) for due in ordered for key in (_domain_key, _own_domain_key)
            } if route.per_domain_day else set()
    if route.is_limited_by_day:
        keys.add((SENDER, str(route.identity_id), day.window))
        keys |= {(SENDER, _run_key(route, due.run_id), day.window) for due in ordered}
    before = _lock(session, keys)
    counting = _Counting(route, day, limit_on(route, day), dict(before),
                         _parts(session, route, ordered[0].run_id, day, before, rivals), at)
    for due in ordered:
        counting.admit(due)
    _set(session, {key: used for key, used in counting.used.items() if used != before[key]})
    session.execute(update(Batch).where(Batch.id == batch_id).values(identity_id=route.identity_id))
    return counting.refused


def release_day(session: Session, delivery_ids: Sequence[int], *, at: datetime) -> None:
    """Give back what these messages took and the relay did not; harmless for those that took nothing.

    Only within the day of their claim: what was taken on another day is not given back to this one.
    """
    if not delivery_ids:
        return
    day = day_of(session, at)
    rows = session.execute(
        select(Batch.identity_id, Delivery.address, Batch.claimed_at, Batch.run_id)
        .join(Batch, Batch.id == Delivery.fence)
        .where(Delivery.id.in_(list(delivery_ids)), Batch.identity_id.is_not(None)))
    counts: Counter[tuple[str, str, str]] = Counter()
    for identity_id, address, claimed_at, run_id in rows:
        if day_of(session, claimed_at).window == day.window:
            counts[(SENDER, str(identity_id), day.window)] += 1
            counts[(SENDER, f"{identity_id}/{run_id}", day.window)] += 1
            counts[(DOMAIN, f"{identity_id}:{_domain_of(address)}"[:120], day.window)] += 1
            counts[(DOMAIN, f"{identity_id}/{run_id}:{_domain_of(address)}"[:120], day.window)] += 1
    if counts:
        there = _lock(session, counts, makes=False)
        _set(session, {key: max(used - counts[key], 0) for key, used in there.items()})


def forget_old(session: Session) -> None:
    """Remove counts of seconds and days that are over."""
    oldest = (clock.now() - timedelta(days=KEPT_DAYS)).date().isoformat()
    second = f"{int(clock.lease_now(session)) - 60:012d}"
    session.execute(delete(CapBucket).where(or_(
        and_(CapBucket.scope == SECOND, CapBucket.window < second),
        and_(CapBucket.scope.in_((DOMAIN, SENDER)), CapBucket.window < oldest))))


def _day_is_full(route: Route, limit: int, day: Day) -> Verdict:
    why = "warm-up" if route.warm_up and (not route.per_day or limit < route.per_day) else "limit"
    return defer(Reason.SENDING_LIMIT, day.ends_at, (
        f"{route.name} has sent its {limit:,} messages of today ({why}); an admin can raise the limit on the sending "
        "identity's page"))


def _domain_key(route: Route, due: DueDelivery, day: Day) -> tuple[str, str, str]:
    return DOMAIN, f"{route.identity_id}:{_domain(due)}"[:120], day.window


def _own_domain_key(route: Route, due: DueDelivery, day: Day) -> tuple[str, str, str]:
    return DOMAIN, f"{_run_key(route, due.run_id)}:{_domain(due)}"[:120], day.window


def _parts(session: Session, route: Route, run_id: int, day: Day, used: Mapping[_Key, int],
           rivals: Mapping[str, frozenset[int]]) -> dict[str, int]:
    """How many messages of the day this run may send to each domain that others want to write to as well."""
    keys = {f"{_run_key(route, other)}:{domain}"[:120]: domain
            for domain, others in rivals.items() for other in (*others, run_id)}
    if not keys:
        return {}
    taken: Counter[str] = Counter()
    for key, many in session.execute(select(CapBucket.key, CapBucket.used).where(
            CapBucket.scope == DOMAIN, CapBucket.window == day.window, CapBucket.key.in_(list(keys)))):
        taken[keys[key]] += many
    return {domain: math.ceil((taken[domain] + max(
        route.per_domain_day - used.get((DOMAIN, f"{route.identity_id}:{domain}"[:120], day.window), 0), 0))
        / (len(others) + 1)) for domain, others in rivals.items()}


def _domain(due: DueDelivery) -> str:
    return _domain_of(due.address)


def _domain_of(address: str | None) -> str:
    return (address or "").rpartition("@")[2].lower()


def _lock(session: Session, keys: Iterable[_Key], *, makes: bool = True) -> dict[_Key, int]:
    """These buckets with what is used of each, held until the transaction ends; missing ones are made."""
    wanted = sorted(set(keys))
    if makes:
        insert_ignoring(session, CapBucket, [{"scope": scope, "key": key, "window": window, "used": 0}
                                             for scope, key, window in wanted])
    found = session.execute(
        select(CapBucket.scope, CapBucket.key, CapBucket.window, CapBucket.used)
        .where(tuple_(CapBucket.scope, CapBucket.key, CapBucket.window).in_(wanted))
        .order_by(CapBucket.scope, CapBucket.key, CapBucket.window).with_for_update())
    return {(row.scope, row.key, row.window): row.used for row in found}


def _set(session: Session, used: Mapping[_Key, int]) -> None:
    if not used:
        return
    columns = {"scope": "text", "key": "text", "window": "text", "used": "integer"}
    rows = [{"scope": scope, "key": key, "window": window, "used": many}
            for (scope, key, window), many in used.items()]
    session.execute(text(
        f'UPDATE cap_bucket SET used = v.used FROM {value_rows(session, columns)} '  # noqa: S608 - constants
        'WHERE cap_bucket.scope = v.scope AND cap_bucket.key = v.key AND cap_bucket."window" = v."window"'),
        {"rows": to_rows(session, rows)})
