"""Claiming deliveries and handing them over: states T2, T3, T5 and the way back.

A claim is one batch row (lease and fence) and one UPDATE. Everything after it names the fence, so a process that lost
its lease changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Row, TextualSelect, bindparam, case, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from campaigns import caps, turns
from campaigns.facts import DueDelivery
from campaigns.models import Batch, Delivery, Run
from campaigns.outside import outside
from campaigns.progress import has_progress_due
from campaigns.room import has_room
from campaigns.sending.allowances import release_day
from campaigns.sending.routes import OPERATORS_OWN, Route
from campaigns.states import DeliveryState, RunState
from campaigns.value_rows import moment_text, to_rows, value_rows
from core import clock
from core.db import is_postgres
from core.id_lists import is_among

BATCH_SIZE = 500
LEASE_SECONDS = 30.0

_DUE = turns.DUE
# Without CASE, PostgreSQL takes such rows to be so rare that it compares each with every value of the slice.
_IS_OURS = "CASE WHEN delivery.state = 'claimed' AND delivery.fence = :fence THEN true ELSE false END"
_COLUMNS = ("id, run_id, version_id, enrolment_id, account_id, contact_id, position, step, channel, address, "
            "generation, planned_at, due_at, expires_at, variant, language")
_PREPARED = ("message_id", "content_hash", "address", "variant", "language")


@dataclass(slots=True)
class ClaimedRow:
    """A claimed delivery with what was decided for it when it was planned."""

    due: DueDelivery
    variant: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """Deliveries of one run, version, step and channel that this process alone may hand over while its lease lasts."""

    id: int
    fence: int
    run_id: int
    version_id: int
    position: int
    channel: str
    rows: tuple[ClaimedRow, ...]
    route: Route = OPERATORS_OWN
    rivals: tuple[int, ...] = ()


@dataclass(slots=True)
class Prepared:
    """What T4 found out about a message: kept with the row by the hand-over commit."""

    delivery_id: int
    message_id: str | None
    content_hash: str | None
    address: str | None
    variant: str | None
    language: str | None


def claim_batch(session: Session, *, worker: str, journal: str, limit: int = BATCH_SIZE,
                lease_seconds: float = LEASE_SECONDS) -> ClaimedBatch | None:
    """Take up to `limit` due deliveries of one active run (T2); None when nothing is due that nobody else has.

    Deliveries whose last batch lost its worker are taken a few at once, and alone where the few were lost as well, so
    that one poisoned row is found out.
    """
    for turn in turns.in_turn(session, _due_groups(session), limit=limit):
        group = turn.group
        batch_id = _open_batch(session, group, worker=worker, journal=journal, lease_seconds=lease_seconds)
        rows = _claim_rows(session, group, batch_id=batch_id, limit=turn.most)
        if rows:
            ids = json.dumps([row.due.id for row in rows], separators=(",", ":"))
            session.connection().execute(_FILL_BATCH, {"batch": batch_id, "size": len(rows), "ids": ids})
            turns.had_turn(group.run_id)
            return ClaimedBatch(batch_id, batch_id, group.run_id, group.version_id, group.position, group.channel,
                                rows, turn.route, turn.rivals)
        session.connection().execute(delete(Batch).where(Batch.id == batch_id))
    return None


def _open_batch(session: Session, group: turns.Group, *, worker: str, journal: str, lease_seconds: float) -> int:
    """The id of a batch with its lease, still without deliveries."""
    return session.connection().execute(_NEW_BATCH, {
        "run_id": group.run_id, "version_id": group.version_id, "position": group.position, "channel": group.channel,
        "worker": worker[:120], "journal": journal, "boot_id": clock.boot_id(), "fence": 0, "claimed_at": clock.now(),
        "lease_until": clock.lease_now(session) + lease_seconds}).scalar_one()


_NEW_BATCH = insert(Batch).returning(Batch.id)
_FILL_BATCH = update(Batch).where(Batch.id == bindparam("batch")).values(
    fence=bindparam("batch"), size=bindparam("size"), delivery_ids=bindparam("ids"))


def _due_groups(session: Session) -> list[Row[tuple[object, ...]]]:
    """One due group (priority, run, version, position, channel, suspects or not) per active run."""
    statement = moment_text(
        "SELECT r.priority, d.run_id, d.version_id, d.position, d.channel, d.is_suspect, d.lone_losses FROM "  # noqa: S608 - constants
        f"(SELECT priority, id, (SELECT id FROM delivery WHERE run_id = run.id AND {_DUE} ORDER BY due_at LIMIT 1) "
        "AS first_id FROM run WHERE state = 'active') AS r JOIN delivery AS d ON d.id = r.first_id", "now")
    return list(session.execute(statement, {"now": clock.now()}).all())


def _claim_rows(session: Session, group: Row[tuple[object, ...]], *, batch_id: int,
                limit: int) -> tuple[ClaimedRow, ...]:
    suspects = f"is_suspect AND {'lone_losses <> 0' if group.lone_losses else 'lone_losses = 0'}"
    claiming = _claiming(suspects if group.is_suspect else "NOT is_suspect", is_postgres(session))
    found = session.connection().execute(claiming, {
        "batch": batch_id, "run": group.run_id, "position": group.position, "now": clock.now(),
        "version": group.version_id, "channel": group.channel, "limit": limit}).all()
    return tuple([ClaimedRow(DueDelivery(*row[:14]), row[14], row[15]) for row in found])


@cache
def _claiming(suspects: str, is_postgres: bool) -> TextualSelect:
    # ARRAY makes the choice once; IN (... LIMIT ... SKIP LOCKED) may be run once per row and claim more than the limit
    opening, closing = ("= ANY (ARRAY(", "FOR UPDATE SKIP LOCKED))") if is_postgres else ("IN (", ")")
    statement = moment_text(
        "UPDATE delivery SET state = 'claimed', batch_id = :batch, fence = :batch "  # noqa: S608 - constants
        f"WHERE id {opening}SELECT id FROM delivery WHERE run_id = :run AND position = :position AND {_DUE} "
        f"AND version_id = :version AND channel = :channel AND {suspects} ORDER BY due_at LIMIT :limit {closing} "
        f"RETURNING {_COLUMNS}", "now")
    return statement.columns(*(Delivery.__table__.c[name.strip()] for name in _COLUMNS.split(",")))


def begin_hand_over(session: Session, batch: ClaimedBatch, prepared: Sequence[Prepared]) -> set[int]:
    """T5, to be committed before the outside is spoken to: the ids that this claimant still holds and may hand over.

    Refused as a whole when the lease is over, the batch was taken away or its run is no longer active.
    """
    if not _is_held(session, batch):
        return set()
    columns = {"id": "bigint", **dict.fromkeys(_PREPARED, "text")}
    rows = [_named(one) for one in prepared]
    kept = ", ".join(f"{name} = v.{name}" for name in _PREPARED)
    found = session.connection().execute(moment_text(
        f"UPDATE delivery SET state = 'handing', {kept}, "  # noqa: S608 - constants
        "attempts = delivery.attempts + 1, first_tried_at = coalesce(delivery.first_tried_at, :now), "
        f"is_suspect = false, lone_losses = 0, reason = NULL, detail = NULL FROM {value_rows(session, columns)} "
        f"WHERE delivery.id = v.id AND {_IS_OURS} RETURNING delivery.id",
        "now"), {"rows": to_rows(session, rows), "fence": batch.fence, "now": clock.now()})
    return {row[0] for row in found.all()}


def _named(one: Prepared) -> dict[str, object]:
    """The columns that have a value; the others are NULL."""
    row: dict[str, object] = {"id": one.delivery_id, "message_id": one.message_id, "content_hash": one.content_hash,
                              "address": one.address}
    if one.variant is not None:
        row["variant"] = one.variant
    if one.language is not None:
        row["language"] = one.language
    return row


def _is_held(session: Session, batch: ClaimedBatch) -> bool:
    """Locks the batch row, so that a sweep and its claimant cannot both act on it."""
    connection = session.connection()
    lease_until = connection.execute(_LEASE, {"batch": batch.id}).scalar()
    run_state = connection.execute(_RUN_STATE, {"run": batch.run_id}).scalar()
    return lease_until is not None and lease_until > clock.lease_now(session) and run_state == RunState.ACTIVE


_LEASE = select(Batch.lease_until).where(Batch.id == bindparam("batch"), Batch.is_open).with_for_update()
_RUN_STATE = select(Run.state).where(Run.id == bindparam("run"))


def give_back(session: Session, *, fence: int) -> int:
    """End a claim (T9a for what is in `handing`): its rows that were not begun are queued again, due as they were.

    The caller knows that nothing of it is on the wire and that all outcomes are recorded.
    """
    mine = claimed_by(session, fence)
    handing = session.scalars(select(Delivery.id).where(*mine, Delivery.state == DeliveryState.HANDING)).all()
    release_day(session, handing, at=clock.now())
    tried = case((Delivery.state == DeliveryState.HANDING, 1), else_=0)
    found = session.execute(
        update(Delivery).where(*mine, Delivery.state.in_((DeliveryState.CLAIMED, DeliveryState.HANDING)))
        .values(state=DeliveryState.QUEUED, batch_id=None, attempts=Delivery.attempts - tried)
        .returning(Delivery.id).execution_options(synchronize_session=False))
    returned = list(found.scalars())
    caps.release_caps(session, returned)
    close_batches(session, [fence])
    return len(returned)


def settle_before_hand_over(session: Session, *, fence: int, rows: Sequence[Mapping[str, object]]) -> int:
    """T3 and T4's failures: each row (id, state, reason, detail, due_at, ended_at) of a claim, in one statement.

    `due_at` None leaves the due time as it is.
    """
    columns = {"id": "bigint", "state": "text", "reason": "text", "detail": "text", "due_at": "timestamptz",
               "ended_at": "timestamptz"}
    found = session.execute(text(
        "UPDATE delivery SET state = v.state, reason = v.reason, detail = v.detail, batch_id = NULL, "  # noqa: S608
        f"due_at = coalesce(v.due_at, delivery.due_at), ended_at = v.ended_at FROM {value_rows(session, columns)} "
        f"WHERE delivery.id = v.id AND {_IS_OURS} RETURNING delivery.id"),
        {"rows": to_rows(session, rows), "fence": fence})
    return len(found.all())


def claimed_by(session: Session, batch_id: int) -> list[ColumnElement[bool]]:
    """The condition for the deliveries of a claim: those it was made with that nobody has claimed since."""
    ids = session.scalar(select(Batch.delivery_ids).where(Batch.id == batch_id))
    made_with = [is_among(Delivery.id, json.loads(ids))] if ids else []
    return [*made_with, Delivery.batch_id == batch_id, Delivery.fence == batch_id]


def renew_leases(session: Session, *, batch_ids: Iterable[int], seconds: float = LEASE_SECONDS) -> set[int]:
    """Lengthen leases that still hold; the ids of those. A lease that is over is lost for good."""
    moment = clock.lease_now(session)
    statement = update(Batch).where(Batch.id.in_(list(batch_ids)), Batch.is_open, Batch.lease_until > moment).values(
        lease_until=moment + seconds).returning(Batch.id)
    return set(session.scalars(statement))


def close_batches(session: Session, batch_ids: Iterable[int]) -> None:
    """The claims are over: every row of them is recorded or given back."""
    session.execute(update(Batch).where(Batch.id.in_(list(batch_ids))).values(is_open=False))


def count_due(session: Session, *, at: datetime | None = None) -> int:
    """Deliveries of active runs that are due at `at` (default: now) and that nobody has claimed."""
    statement = select(func.count()).select_from(Delivery).join(Run, Run.id == Delivery.run_id).where(
        Run.state == RunState.ACTIVE, text("delivery.is_waiting"),
        Delivery.due_at <= (at or clock.now()))
    return session.scalar(statement) or 0


def is_idle(session: Session, *, at: datetime | None = None) -> bool:
    """Nothing may be sent or planned now and no claim is live: `abm work --burst` may end."""
    open_batch = session.scalar(select(Batch.id).where(Batch.is_open).limit(1))
    planning = session.scalar(select(Run.id).where(Run.state == RunState.PLANNING).limit(1))
    if open_batch is not None or planning is not None or has_progress_due(session, at):
        return False
    may_not_send = outside().company.policy(session).is_sending_paused or not has_room()
    return may_not_send or count_due(session, at=at) == 0
