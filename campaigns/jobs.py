"""The engine's jobs: thin, may run twice, carry ids only."""

from campaigns import sweeps
from campaigns.dispatch import drain
from campaigns.outbox import count_due
from core.db import reading, use_durable_commits
from core.jobs import JobQueue, every, job, ring

ROWS_PER_DRAIN = 1_000
MOST_DRAINS = 16
SWEEP_SECONDS = 5


@job("outreach.drain", queue=JobQueue.OUTREACH)
def drain_outbox() -> None:
    """Send what is due for about 20 s, then let the next job go on."""
    use_durable_commits()
    if drain().has_more:
        ring("outreach.drain", at_most=MOST_DRAINS)


@job("outreach.sweep")
def sweep() -> None:
    """Settle what dead processes left, and ring for what is due: a lost ring costs seconds."""
    sweeps.settle_left_batches()
    sweeps.remove_forgotten_journals()
    sweeps.give_up_on_unknown()
    with reading() as session:
        due = count_due(session)
    for wanted in range(1, min(-(-due // ROWS_PER_DRAIN), MOST_DRAINS) + 1):
        ring("outreach.drain", at_most=wanted)


every(SWEEP_SECONDS, "outreach.sweep")
