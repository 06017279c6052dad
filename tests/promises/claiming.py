"""Claims as tests need them: by hand, step by step, under a journal of their own."""

from collections.abc import Sequence

from campaigns import outbox
from campaigns.channels.base import Outcome, Result
from campaigns.journal import Journal
from campaigns.outbox import ClaimedBatch, Prepared
from campaigns.recording import record_outcomes
from core import clock
from core.db import transaction
from core.settings import settings


def new_journal() -> Journal:
    return Journal(settings().journal_dir)


def claim(journal: Journal | str, *, limit: int = 500, lease: float = 30.0) -> ClaimedBatch | None:
    name = journal if isinstance(journal, str) else journal.name
    with transaction() as session:
        return outbox.claim_batch(session, worker="w", journal=name, limit=limit, lease_seconds=lease)


def claimed(journal: Journal | str, *, limit: int = 500, lease: float = 30.0) -> ClaimedBatch:
    batch = claim(journal, limit=limit, lease=lease)
    assert batch is not None
    return batch


def message_id(delivery_id: int) -> str:
    return f"<{delivery_id}@x>"


def hand_over(batch: ClaimedBatch, ids: Sequence[int] | None = None) -> list[int]:
    """The hand-over commit of these (or all) rows of a claim: the ids that may go out."""
    with transaction() as session:
        prepared = [Prepared(row.due.id, message_id(row.due.id), "h", row.due.address, None, None)
                    for row in batch.rows if ids is None or row.due.id in ids]
        return sorted(outbox.begin_hand_over(session, batch, prepared))


def tell(batch: ClaimedBatch, delivery_id: int, result: Result, *, code: int = 250) -> int:
    """Record one outcome as the claimant does; how many rows took it."""
    with transaction() as session:
        return record_outcomes(session, [Outcome(delivery_id, batch.fence, result, "dot", code, "so", clock.now())],
                               worker="w")
