"""The gate's log: every decision with its evidence, and the proof that the rules decide the same from it again.

A batch is one row of packed JSON, some twenty bytes a decision; it names deliveries by number and no person. Records
are kept for 90 days, like other raw events.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaigns.caps_rules import Limits, Used
from campaigns.gate import Decision, Judgement
from campaigns.gate_rules import Evidence, Terms, decide
from campaigns.models import GateRecord
from campaigns.states import Reason
from campaigns.verdict import Answer, Verdict

KEPT_FOR = timedelta(days=90)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_ONCE = 100


def keep(session: Session, judgement: Judgement, *, run_id: int, batch_id: int, at: datetime) -> None:
    """Store a batch's decisions, to be committed with what follows from them."""
    if judgement.decisions:
        session.connection().execute(_NEW_RECORD, {
            "run_id": run_id, "batch_id": batch_id, "at": at, "count": len(judgement.decisions),
            "terms": asdict(judgement.terms), "decisions": pack(judgement.decisions)})


_NEW_RECORD = insert(GateRecord)


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that does not come out of its evidence again."""

    delivery_id: int
    at: datetime
    was: str
    is_now: str


@dataclass(frozen=True, slots=True)
class Replay:
    checked: int
    differing: Sequence[Difference]


def replay(session: Session, *, run_ids: Sequence[int] | None = None) -> Replay:
    """Make every logged decision again from its evidence, record by record; those that come out otherwise."""
    checked, differing = 0, []
    for record in _records(session, run_ids):
        terms = _terms(record.terms)
        for one in unpack(record.decisions):
            checked += 1
            again = decide(one.evidence, terms)
            if not _is_same(again, one.verdict):
                differing.append(Difference(one.delivery_id, record.at, _word(one.verdict), _word(again)))
    return Replay(checked, differing)


def find_decisions(session: Session, *, run_id: int, delivery_id: int) -> list[tuple[Decision, Terms]]:
    """What was decided about one delivery, oldest first."""
    return [(one, _terms(record.terms)) for record in _records(session, [run_id]) for one in unpack(record.decisions)
            if one.delivery_id == delivery_id]


def remove_old(session: Session, now: datetime) -> int:
    """Records older than 90 days; how many."""
    return session.connection().execute(delete(GateRecord).where(GateRecord.at < now - KEPT_FOR)).rowcount


def _records(session: Session, run_ids: Sequence[int] | None) -> Iterator[GateRecord]:
    last_id = 0
    while True:
        query = select(GateRecord).where(GateRecord.id > last_id).order_by(GateRecord.id).limit(_AT_ONCE)
        if run_ids is not None:
            query = query.where(GateRecord.run_id.in_(run_ids))
        found = session.scalars(query).all()
        if not found:
            return
        yield from found
        last_id = found[-1].id
        session.expunge_all()


def _is_same(again: Verdict, was: Verdict) -> bool:
    """A deferral was brought into the window after the rules had spoken, so its moment may lie later."""
    if (again.answer, again.reason) != (was.answer, was.reason):
        return False
    return again.until is None or was.until is None or again.until <= was.until


def _word(verdict: Verdict) -> str:
    return " ".join(part for part in (verdict.answer.value, verdict.reason.value if verdict.reason else "") if part)


def pack(decisions: Sequence[Decision]) -> bytes:
    rows = [(one.delivery_id, *_evidence_row(one.evidence), *_verdict_row(one.verdict)) for one in decisions]
    return zlib.compress(orjson.dumps(rows), level=1)


def unpack(packed: bytes) -> Iterator[Decision]:
    for row in orjson.loads(zlib.decompress(packed)):
        yield Decision(row[0], _evidence(row[1:15]), _verdict(row[15:]))


def _evidence_row(found: Evidence) -> tuple[Any, ...]:
    limits = found.account_limits
    return (found.at, found.due_at, found.opening, found.expires_at, found.ended, found.objection,
            int(found.is_held_out), found.condition, found.lock, (limits.short, limits.long),
            *_used_row(found.account_used), *_used_row(found.person_used))


def _used_row(used: Used) -> tuple[Any, ...]:
    return (used.short, used.long), (used.oldest_short, used.oldest_long)


def _evidence(row: Sequence[Any]) -> Evidence:
    at, due_at, opening, expires_at, ended, objection, held_out, condition, lock, limits, *used = row
    return Evidence(
        at=_known(at), due_at=_known(due_at), opening=_known(opening), expires_at=_moment(expires_at), ended=ended,
        objection=tuple(objection) if objection else None, is_held_out=bool(held_out), condition=condition,
        lock=(_known(lock[0]), lock[1]) if lock else None, account_limits=Limits(*limits),
        account_used=_used(used[0], used[1]), person_used=_used(used[2], used[3]))


def _moment(told: str | int | None) -> datetime | None:
    return None if told is None else _known(told)


def _known(told: str | int) -> datetime:
    """Moments are text; earlier records told them in microseconds since 1970."""
    return datetime.fromisoformat(told) if isinstance(told, str) else _EPOCH + told * _MICROSECOND


def _used(amounts: Sequence[int], oldest: Sequence[str | int | None]) -> Used:
    return Used(amounts[0], amounts[1], _moment(oldest[0]), _moment(oldest[1]))


def _verdict_row(verdict: Verdict) -> tuple[Any, ...]:
    return verdict.answer, verdict.reason, verdict.until


def _verdict(row: Sequence[Any]) -> Verdict:
    answer, reason, until = row
    return Verdict(Answer(answer), Reason(reason) if reason else None, "", _moment(until))


def _terms(raw: Mapping[str, Any]) -> Terms:
    return Terms(**{**raw, "person_limits": Limits(**raw["person_limits"])})
