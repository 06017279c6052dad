"""Looking for duplicates in the background, and moving what workers wrote late about merged records."""

from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.audit.actions import record
from abm.contacts.models import Contact
from abm.identity.finding import Search, find_duplicates, find_duplicates_apart
from abm.identity.merging import move_late_rows
from abm.identity.models import Merge
from abm.identity.queries import last_search
from core import clock, db
from core.jobs import every, job, ring_after_commit
from core.logs import logger

_log = logger(__name__)
_AT_ONCE_UP_TO = 5_000
_SECONDS = 900
_LATE_SECONDS = 30
_LATE_FOR = timedelta(days=2)


def start_search(session: Session) -> Search | None:
    """Look now where there is little to look through; else in the background, and the answer is None."""
    if (session.scalar(select(func.count()).select_from(Contact)) or 0) > _AT_ONCE_UP_TO:
        ring_after_commit(session, "identity.search")
        return None
    return search(session)


def search(session: Session) -> Search:
    """Look for duplicates, on record."""
    return _note(session, find_duplicates(session))


def search_apart() -> Search:
    """Look for duplicates, on record, without holding up whoever saves meanwhile."""
    found = find_duplicates_apart()
    with db.transaction() as session:
        return _note(session, found)


def _note(session: Session, found: Search) -> Search:
    record(session, action="duplicates.search", subject="duplicates",
           after={"accounts": found.accounts, "contacts": found.contacts})
    return found


@job("identity.search")
def search_now() -> None:
    """Look for duplicates."""
    found = search_apart()
    _log.info("duplicates looked for", accounts=found.accounts, contacts=found.contacts)


@job("identity.search_changed")
def search_when_changed() -> None:
    """Look again when accounts or people have changed since the last look."""
    with db.reading() as session:
        since = last_search(session)
        latest = [session.scalar(select(func.max(model.updated_at))) for model in (Account, Contact)]
    if any(moment is not None and (since is None or moment > since) for moment in latest):
        search_now()


@job("identity.late_rows")
def sweep_late_rows() -> None:
    """For two days after a merge, move what a worker that had begun before still writes about the dropped record."""
    recent = Merge.undone_at.is_(None) & (Merge.merged_at > clock.now() - _LATE_FOR)
    with db.reading() as session:
        is_needed = session.scalar(select(exists().where(recent)))
    if not is_needed:
        return
    with db.transaction() as session:
        for merge in session.scalars(select(Merge).where(recent).order_by(Merge.id)):
            move_late_rows(session, merge)


every(_SECONDS, "identity.search_changed")
every(_LATE_SECONDS, "identity.late_rows")
