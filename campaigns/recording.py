"""What became of messages that were handed over: T6 to T9a, one statement per kind for a whole slice, and the attempts.

Every update asks for state `handing` and the claim's fence, so a repeat changes nothing and none records for another's
claim. Only the proof that a message was accepted also settles an unknown one (T10).
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import caps
from campaigns.channels.base import Outcome, Result
from campaigns.events import apply_earlier_events
from campaigns.models import Delivery
from campaigns.retry import next_try
from campaigns.sending.allowances import release_day
from campaigns.states import DeliveryState, Reason
from campaigns.value_rows import moment_text, to_rows, value_rows
from campaigns.verdict import Verdict
from core import clock
from core.id_lists import is_among

PLACED = "placed"
_WAY_OUT = frozenset({"connect", "ehlo", "starttls", "tls", "auth"})  # before any message was offered
_HARD_BOUNCE = re.compile(r"\b5\.1\.(1|2|3|6|10)\b")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
_TEXT_LENGTH = 500

# Without CASE, PostgreSQL takes such rows to be so rare that it compares each with every value of the slice.
_IS_OPEN = ("CASE WHEN delivery.fence = v.fence AND (delivery.state = 'handing' OR "
            "(delivery.state = 'unknown' AND v.state = 'sent')) THEN true ELSE false END")
_ROW = {"id": "bigint", "fence": "bigint", "state": "text", "reason": "text", "detail": "text", "due_at": "timestamptz",
        "sent_at": "timestamptz", "ended_at": "timestamptz", "untried": "integer"}


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a delivery was tried, and since when."""

    attempts: int
    first_tried_at: datetime


def record_outcomes(session: Session, outcomes: Sequence[Outcome], *, worker: str) -> int:
    """Store what became of these messages; caps of what goes back to the queue are released. How many rows took it.

    Less than `len(outcomes)` means that a sweep had settled the others from the journal.
    """
    if not outcomes:
        return 0
    tries = _tries(session, [one.delivery_id for one in outcomes if one.result is Result.DEFERRED])
    rows = [_row(one, tries.get(one.delivery_id)) for one in outcomes]
    taken = _store(session, rows)
    told = [one for one in outcomes if one.delivery_id in taken]
    _append_attempts(session, [one for one in told if one.result is not Result.RETURNED], taken, worker=worker)
    apply_earlier_events(session, [one.delivery_id for one in told if one.result in (Result.SENT, Result.UNKNOWN)])
    unsent = sorted(one.delivery_id for one in told if one.result in (Result.DEFERRED, Result.RETURNED))
    if unsent:
        caps.release_caps(session, unsent)
        release_day(session, unsent, at=clock.now())
    return len(taken)


def _tries(session: Session, delivery_ids: Sequence[int]) -> dict[int, Tries]:
    if not delivery_ids:
        return {}
    found = session.execute(
        select(Delivery.id, Delivery.attempts, Delivery.first_tried_at).where(is_among(Delivery.id, delivery_ids)))
    return {row.id: Tries(row.attempts, row.first_tried_at) for row in found if row.first_tried_at}


def _row(outcome: Outcome, tries: Tries | None) -> dict[str, Any]:
    """Columns of `_ROW`; what is not named is NULL."""
    return {"id": outcome.delivery_id, "fence": outcome.fence, "untried": 0,
            **_CHANGES[outcome.result](outcome, tries)}


def _sent(outcome: Outcome, _tries: Tries | None) -> dict[str, Any]:
    # a call that was placed is sent, but the person's step ends when somebody has called
    ended_at = None if outcome.phase == PLACED else outcome.at
    return {"state": DeliveryState.SENT, "sent_at": outcome.at, "ended_at": ended_at}


def _deferred(outcome: Outcome, tries: Tries | None) -> dict[str, Any]:
    known = tries or Tries(1, outcome.at)
    again = next_try(attempts=known.attempts, first_tried_at=known.first_tried_at, at=outcome.at,
                     chance=random.random())  # noqa: S311 - spreads load, guards nothing
    if again is None:
        return {"state": DeliveryState.FAILED_TEMPORARY, "reason": Reason.GIVEN_UP, "detail": said(outcome),
                "ended_at": outcome.at}
    reason = Reason.NO_WAY_OUT if outcome.phase in _WAY_OUT else Reason.NOT_TAKEN
    return {"state": DeliveryState.DEFERRED, "reason": reason, "detail": said(outcome), "due_at": again}


def _refused(outcome: Outcome, _tries: Tries | None) -> dict[str, Any]:
    is_dead_mailbox = outcome.phase == "rcpt" and _HARD_BOUNCE.search(outcome.text)
    return {"state": DeliveryState.FAILED_PERMANENT, "detail": said(outcome), "ended_at": outcome.at,
            "reason": Reason.HARD_BOUNCE if is_dead_mailbox else Reason.REFUSED}


def _unknown(outcome: Outcome, _tries: Tries | None) -> dict[str, Any]:
    return {"state": DeliveryState.UNKNOWN, "detail": said(outcome)}


def _returned(_outcome: Outcome, _tries: Tries | None) -> dict[str, Any]:
    return {"state": DeliveryState.QUEUED, "untried": 1}


_CHANGES: Mapping[Result, Callable[[Outcome, Tries | None], dict[str, Any]]] = {
    Result.SENT: _sent, Result.DEFERRED: _deferred, Result.REFUSED: _refused, Result.UNKNOWN: _unknown,
    Result.RETURNED: _returned,
}


def postpone(session: Session, *, fence: int, verdicts: Mapping[int, Verdict]) -> None:
    """Rows that found a cap used up in the hand-over commit itself: queued for later, not counted as tried."""
    _store(session, [{"id": delivery_id, "fence": fence, "state": DeliveryState.QUEUED, "reason": verdict.reason,
                      "detail": verdict.detail, "due_at": verdict.until, "sent_at": None, "ended_at": None,
                      "untried": 1}
                     for delivery_id, verdict in verdicts.items()])


def said(outcome: Outcome) -> str:
    """What happened, for people: the phase, the server's code and its words, without control characters."""
    between = " " if outcome.code and outcome.text else ""
    words = f"{outcome.phase}: {outcome.code or ''}{between}{outcome.text}"
    return (words if words.isprintable() else _UNPRINTABLE.sub(" ", words))[:_TEXT_LENGTH]


def _store(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The ids that were still in `handing` under their fence, with the number of the attempt."""
    found = session.connection().execute(moment_text(
        "UPDATE delivery SET state = v.state, reason = v.reason, detail = v.detail, "  # noqa: S608 - constants
        "due_at = coalesce(v.due_at, delivery.due_at), sent_at = coalesce(v.sent_at, delivery.sent_at), "
        f"ended_at = v.ended_at, attempts = delivery.attempts - v.untried FROM {value_rows(session, _ROW)} "
        f"WHERE delivery.id = v.id AND {_IS_OPEN} "
        "RETURNING delivery.id, delivery.attempts"), {"rows": to_rows(session, rows)})
    return {delivery_id: attempts for delivery_id, attempts in found.all()}


def _append_attempts(session: Session, outcomes: Sequence[Outcome], numbers: Mapping[int, int], *, worker: str) -> None:
    if not outcomes:
        return
    columns = {"delivery_id": "bigint", "number": "integer", "fence": "bigint", "phase": "text", "outcome": "text",
               "code": "integer", "text": "text", "at": "timestamptz"}
    rows = [{"delivery_id": one.delivery_id, "number": numbers[one.delivery_id], "fence": one.fence, "phase": one.phase,
             "outcome": one.result, "code": one.code, "text": said(one), "at": one.at} for one in outcomes]
    names = ", ".join(columns)
    session.connection().execute(moment_text(
        f'INSERT INTO attempt ({names}, worker) SELECT {names}, :worker '  # noqa: S608 - constants
        f"FROM {value_rows(session, columns)}"), {"rows": to_rows(session, rows), "worker": worker[:120]})


