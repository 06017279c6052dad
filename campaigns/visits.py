"""Opens and clicks kept as events with their raw signs, and judged: a person or a program?

A click is judged at once by its own signs; what later visits tell about it (many links at once, the hidden link) is
added then. `reclassify` judges all of them again, from what is kept.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, case, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns.events import keep_link, raise_state, states_raised_by
from campaigns.inserting import insert_ignoring
from campaigns.machine_rules import AROUND_THE_TRAP, MachineRules, Visit, find_machines
from campaigns.models import Delivery, Event
from campaigns.outside import outside
from campaigns.tracking import Click
from core.id_lists import is_among

KINDS = ("open", "click")
RAW_KEPT = timedelta(days=90)
_DELIVERIES_AT_ONCE = 1_000
_EVENTS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Reclassified:
    """How many visits were judged again, and how many of them changed sides. `last`: go on behind this delivery."""

    judged: int
    to_machine: int
    to_person: int
    last: int


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a visit shows of who made it, and when."""

    agent: str
    ip: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One fetch by a recipient's program: `kind` is open, click (with what its token says) or trap. `key`: its event's,
    where it was given one before it is stored (`named`)."""

    kind: str
    delivery_id: int
    visitor: Visitor
    click: Click | None = None
    key: str = ""


def named(one: Seen) -> Seen:
    """The same with a key, under which it is kept once however often it is stored."""
    key = one.key or new_key(one.kind, one.delivery_id)
    return Seen(one.kind, one.delivery_id, one.visitor, one.click, key)


def record_open(session: Session, *, delivery_id: int, visitor: Visitor) -> bool:
    """Keep one fetch of the pixel; False when the delivery is no longer there."""
    return bool(record_visits(session, [Seen("open", delivery_id, visitor)]))


def record_click(session: Session, *, click: Click, visitor: Visitor) -> bool:
    """Keep one click; False when the delivery is no longer there."""
    return bool(record_visits(session, [Seen("click", click.delivery_id, visitor, click)]))


def record_trap(session: Session, *, delivery_id: int, visitor: Visitor) -> bool:
    """Keep a visit of the hidden link: no person sees it. It tells about the visits around it, too."""
    return bool(record_visits(session, [Seen("trap", delivery_id, visitor)]))


def record_visits(session: Session, seen: Sequence[Seen]) -> int:
    """Keep many visits with a handful of statements; how many are of messages that are there.

    Of a target that holds values of the person only its host is kept; of an erased person's visit, no raw signs.
    """
    deliveries = {row.id: row for row in session.execute(
        select(Delivery.id, Delivery.version_id, Delivery.account_id, Delivery.contact_id, Delivery.sent_at,
               Delivery.address, Delivery.state).where(is_among(Delivery.id, {one.delivery_id for one in seen})))}
    known = [one for one in seen if one.delivery_id in deliveries]
    links, rules = _keep_links(session, known, deliveries), _rules(session)
    insert_ignoring(session, Event, [_event_row(one, deliveries[one.delivery_id], links, rules) for one in known])
    for one in known:
        if deliveries[one.delivery_id].state in states_raised_by("open"):
            raise_state(session, one.delivery_id, "open", one.visitor.at)
    telling = [one for one in known if one.kind != "open"]
    if telling:
        _judge_around(session, {one.delivery_id for one in telling}, min(one.visitor.at for one in telling))
    return len(known)


def _keep_links(session: Session, seen: Sequence[Seen],
                deliveries: Mapping[int, Row[*tuple[Any, ...]]]) -> dict[tuple[int, str], int]:
    """Ids of the links by version and target; made in one order everywhere, so that no two writers wait in a ring."""
    wanted = {(deliveries[one.delivery_id].version_id, kept_url(one.click)) for one in seen if one.click}
    return {(version_id, url): keep_link(session, version_id=version_id, url=url) for version_id, url in sorted(wanted)}


def kept_url(click: Click) -> str:
    """A target as it may be kept: of one that holds values of the person only the host."""
    return f"{urlsplit(click.url).scheme}://{urlsplit(click.url).netloc}/" if click.is_personal else click.url


def _event_row(one: Seen, delivery: Row[*tuple[Any, ...]], links: Mapping[tuple[int, str], int],
               rules: MachineRules) -> dict[str, Any]:
    visitor, is_trap = one.visitor, one.kind == "trap"
    judge = rules.is_machine_open if one.kind == "open" else rules.is_machine_click
    is_machine = is_trap or judge(agent=visitor.agent, seconds_since_sent=_seconds(visitor.at, delivery.sent_at),
                                  ip=visitor.ip)
    raw = None if delivery.address is None else _raw(visitor) | ({"trap": True} if is_trap else {})
    return {"event_key": one.key or new_key(one.kind, one.delivery_id), "delivery_id": one.delivery_id,
            "account_id": delivery.account_id, "contact_id": delivery.contact_id,
            "kind": "open" if one.kind == "open" else "click", "is_machine": is_machine,
            "link_id": links[delivery.version_id, kept_url(one.click)] if one.click else None, "raw": raw,
            "at": visitor.at}


def _judge_around(session: Session, delivery_ids: set[int], at: datetime) -> None:
    """What these clicks tell about the visits just before them. One link alone, however often, tells nothing;
    the hidden link tells about everything near it."""
    recent = (is_among(Event.delivery_id, delivery_ids), Event.at >= at - AROUND_THE_TRAP)
    is_trap = case((Event.link_id.is_(None), 1), else_=0)
    telling = session.scalars(
        select(Event.delivery_id).where(*recent, Event.kind == "click").group_by(Event.delivery_id)
        .having(or_(func.count(Event.link_id.distinct()) > 1, func.sum(is_trap) > 0))).all()
    if telling:
        rows = session.execute(_VISITS.where(is_among(Event.delivery_id, [one for one in telling if one]),
                                             recent[1])).all()
        _store(session, _judged(rows, _rules(session)))


_VISITS = (
    select(Event.id, Event.delivery_id, Event.kind, Event.at, Event.raw, Event.link_id, Event.is_machine,
           Delivery.sent_at)
    .join(Delivery, Delivery.id == Event.delivery_id).where(Event.kind.in_(KINDS))
    .order_by(Event.delivery_id, Event.id)
)


def reclassify(session: Session, *, run_ids: Sequence[int] | None = None, after: int = 0) -> Reclassified:
    """Judge the visits of the next thousand messages again (of these runs, or of all); repeat until none is judged."""
    wanted = select(Event.delivery_id).where(Event.kind.in_(KINDS), Event.delivery_id > after)
    if run_ids is not None:
        wanted = wanted.join(Delivery, Delivery.id == Event.delivery_id).where(Delivery.run_id.in_(run_ids))
    ids = [one for one in session.scalars(wanted.distinct().order_by(Event.delivery_id).limit(_DELIVERIES_AT_ONCE))
           if one is not None]
    rows = session.execute(_VISITS.where(is_among(Event.delivery_id, ids))).all() if ids else []
    changed = _store(session, _judged(rows, _rules(session)))
    return Reclassified(len(rows), sum(changed), len(changed) - sum(changed), ids[-1] if ids else after)


def _judged(rows: Sequence[Row[Any]], rules: MachineRules) -> Iterator[tuple[int, bool, bool]]:
    """(event id, what was thought, what is thought now) for the visits of whole messages."""
    for _delivery, visits in groupby(rows, key=lambda row: row.delivery_id):
        own = list(visits)
        machines = find_machines([_visit(row) for row in own], rules)
        yield from ((row.id, row.is_machine, row.id in machines) for row in own)


def _visit(row: Row[Any]) -> Visit:
    raw = row.raw or {}
    return Visit(row.id, row.kind, row.at, _seconds(row.at, row.sent_at), raw.get("agent", ""), raw.get("ip", ""),
                 row.link_id, bool(raw.get("trap")), is_raw="agent" in raw, was_machine=row.is_machine)


def _store(session: Session, judged: Iterator[tuple[int, bool, bool]]) -> list[bool]:
    """What changed, as it is thought now."""
    changed = [(event_id, now) for event_id, before, now in judged if before is not now]
    for side in (True, False):
        ids = [event_id for event_id, now in changed if now is side]
        if ids:
            session.execute(update(Event).where(is_among(Event.id, ids)).values(is_machine=side)
                            .execution_options(synchronize_session=False))
    return [now for _event_id, now in changed]


def forget_raw(session: Session, now: datetime) -> int:
    """Remove addresses and agents of visits older than 90 days, ten thousand at once; how many. What was thought of
    them stays."""
    old = (select(Event.id).where(Event.kind.in_(KINDS), Event.at < now - RAW_KEPT, Event.raw.is_not(None))
           .order_by(Event.at).limit(_EVENTS_AT_ONCE))
    ids = list(session.scalars(old))
    if ids:
        session.execute(update(Event).where(is_among(Event.id, ids)).values(raw=None)
                        .execution_options(synchronize_session=False))
    return len(ids)


def _seconds(at: datetime, sent_at: datetime | None) -> float | None:
    return (at - sent_at).total_seconds() if sent_at else None


def _raw(visitor: Visitor) -> dict[str, Any]:
    return {"agent": visitor.agent[:300], "ip": visitor.ip[:60]}


def _rules(session: Session) -> MachineRules:
    return outside().company.policy(session).machine_rules


def new_key(kind: str, delivery_id: int) -> str:
    return f"{kind}:{delivery_id}:{secrets.token_hex(12)}"
