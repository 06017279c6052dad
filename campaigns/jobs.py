"""The engine's jobs: thin, may run twice, carry ids only."""

from contextlib import ExitStack
from functools import partial

from campaigns import gate_log, mailboxes, planning_jobs, sweeps, visits
from campaigns.commits import in_transaction
from campaigns.dispatch import drain
from campaigns.error_rates import pause_failing_runs
from campaigns.events import apply_late_events
from campaigns.outbox import count_due
from campaigns.sending.allowances import forget_old
from campaigns.visit_log import take_up_left
from core import clock
from core.db import reading, transaction, use_durable_commits
from core.jobs import JobQueue, every, job, ring

__all__ = ["drain_outbox", "planning_jobs", "sweep"]

ROWS_PER_DRAIN = 1_000
MOST_DRAINS = 4
SWEEP_SECONDS = 5
MAILBOX_SECONDS = 60
DAY_SECONDS = 24 * 60 * 60


@job("outreach.drain", queue=JobQueue.OUTREACH)
def drain_outbox() -> None:
    """Send what is due for about 20 s, then let the next job go on."""
    use_durable_commits()
    if drain().has_more:
        ring("outreach.drain", at_most=MOST_DRAINS)


@job("outreach.sweep", queue=JobQueue.SWEEPS)
def sweep() -> None:
    """Settle what dead processes left, and ring for what is due: a lost ring costs seconds. A step that fails keeps no
    other from its work, least of all the ring."""
    steps = (sweeps.settle_left_batches, _ring_for_due, sweeps.remove_forgotten_journals, sweeps.give_up_on_unknown,
             partial(in_transaction, apply_late_events), partial(in_transaction, forget_old),
             partial(in_transaction, pause_failing_runs), take_up_left)
    with ExitStack() as stack:
        for step in reversed(steps):
            stack.callback(step)


def _ring_for_due() -> None:
    with reading() as session:
        due = count_due(session)
    for wanted in range(1, min(-(-due // ROWS_PER_DRAIN), MOST_DRAINS) + 1):
        ring("outreach.drain", at_most=wanted)


@job("outreach.forget")
def forget() -> None:
    """What the gate decided, and the addresses and programs of visitors, are kept for 90 days."""
    with transaction() as session:
        gate_log.remove_old(session, clock.now())
    is_done = False
    while not is_done:
        with transaction() as session:
            is_done = not visits.forget_raw(session, clock.now())


@job("outreach.poll_mailboxes")
def poll_mailboxes() -> None:
    """Read what came into the mailboxes."""
    mailboxes.poll_all()


every(MAILBOX_SECONDS, "outreach.poll_mailboxes")
every(SWEEP_SECONDS, "outreach.sweep")
every(DAY_SECONDS, "outreach.forget")
