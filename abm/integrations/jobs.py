"""Pulling on a schedule and on request."""

from abm.audit.actions import Actor, act_as
from abm.integrations.actions import PULL, pull, queue_import, take_due
from abm.integrations.queries import list_due
from core import clock, db
from core.errors import NotFound, Refused
from core.jobs import every, job, ring_after_commit
from core.logs import logger

_log = logger(__name__)
_TICK_SECONDS = 30


@job("sources.tick")
def start_due_pulls() -> None:
    with db.reading() as session:
        due = list_due(session, clock.now())
    for source_id in due:
        with db.transaction() as session:
            if take_due(session, source_id=source_id):
                ring_after_commit(session, PULL, source_id=source_id, dry_run=0, asked_by="schedule")


@job(PULL)
def pull_source(source_id: int, dry_run: int, asked_by: str) -> None:
    """What went wrong is kept on the source; the next slot tries again."""
    act_as(Actor(asked_by))
    try:
        pulled = pull(source_id)
    except NotFound:
        return
    except Refused:
        _log.warning("source not pulled", source_id=source_id)
        return
    with db.transaction() as session:
        queue_import(session, pulled=pulled, is_dry_run=bool(dry_run))


every(_TICK_SECONDS, "sources.tick")
