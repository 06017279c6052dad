"""Whose turn it is to be sent: the most urgent run first, runs of the same priority one after the other, each with its
part of what their sender may still send today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from sqlalchemy import Row
from sqlalchemy.orm import Session

from campaigns.sending.allowances import fair_shares, find_closed
from campaigns.sending.routes import OPERATORS_OWN, Route, find_route, sender_of_version
from campaigns.states import Channel
from campaigns.value_rows import moment_text
from campaigns.verdict import Verdict
from core import clock
from core.db import is_postgres

PUT_OFF_AT_ONCE = 5_000
SUSPECTS_AT_ONCE = 20
DUE = "is_waiting AND due_at <= :now"
_turns = count(1)
_last_turn: dict[int, int] = {}

Group = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Turn:
    """A due group (run, version, position, channel, suspects or not), its way out, the most it may claim now, and the
    other runs of its sender and priority that have something due."""

    group: Group
    route: Route
    most: int
    rivals: tuple[int, ...] = ()


def in_turn(session: Session, groups: Sequence[Group], *, limit: int) -> Iterator[Turn]:
    """The groups that something may be claimed of; what no way is open for is put off with the reason."""
    now = clock.now()
    waiting = sorted(groups, key=lambda group: (group.priority, _last_turn.get(group.run_id, 0), group.run_id))
    routes = {group.run_id: _route_of(session, group) for group in waiting}
    shares: dict[int, int] = {}
    for group in waiting:
        route = routes[group.run_id]
        closed = find_closed(session, route, now) if group.channel == Channel.EMAIL else None
        if closed is not None:
            _put_off(session, group, closed)
            continue
        rivals = [other.run_id for other in waiting if other.priority == group.priority
                  and routes[other.run_id].identity_id == route.identity_id]
        if group.run_id not in shares:
            shares |= fair_shares(session, route, runs=rivals, at=now) or dict.fromkeys(rivals, limit)
        if shares[group.run_id]:
            yield Turn(group, route, min(at_once(group, limit), shares[group.run_id]),
                       tuple(run_id for run_id in rivals if run_id != group.run_id))


def at_once(group: Group, limit: int) -> int:
    """How many of the group a claim may hold. Suspects are few, so that looking for one deadly row among hundreds takes
    seconds; those of a few that were lost are alone."""
    if not group.is_suspect:
        return limit
    return 1 if group.lone_losses else min(limit, SUSPECTS_AT_ONCE)


def had_turn(run_id: int) -> None:
    """The others of its priority go first now."""
    if len(_last_turn) > 10_000:
        _last_turn.clear()
    _last_turn[run_id] = next(_turns)


def _route_of(session: Session, group: Group) -> Route:
    if group.channel != Channel.EMAIL:
        return OPERATORS_OWN
    return find_route(session, sender_of_version(session, group.version_id))


def _put_off(session: Session, group: Group, why: Verdict) -> None:
    """Deliveries of the group that are due wait until the way is open again; a few thousand at a time."""
    opening, closing = ("= ANY (ARRAY(", "FOR UPDATE SKIP LOCKED))") if is_postgres(session) else ("IN (", ")")
    session.execute(moment_text(
        "UPDATE delivery SET due_at = :until, reason = :reason, detail = :detail "  # noqa: S608 - constants
        f"WHERE id {opening}SELECT id FROM delivery WHERE run_id = :run AND position = :position AND {DUE} "
        f"AND channel = :channel ORDER BY due_at LIMIT {PUT_OFF_AT_ONCE} {closing}", "now", "until"), {
        "until": why.until, "reason": why.reason, "detail": why.detail, "run": group.run_id,
        "position": group.position, "channel": group.channel, "now": clock.now()})


