"""Newcomers of a continuous campaign: who joins a run after its launch."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from campaigns.due_times import select_intended
from campaigns.facts import RunFacts
from campaigns.looks import Looks, list_found, look_at_runs
from campaigns.models import Enrolment, Run
from campaigns.moving import CHUNK
from campaigns.planning import Entry, enrol, plans_alone
from campaigns.refusals import find_exclusive
from campaigns.states import EnrolmentOrigin, EnrolmentState, RunKind
from core import clock


def look_for_newcomers(session: Session, now: datetime | None = None) -> Looks:
    """By run the accounts of who might be enrolled."""
    return look_at_runs(session, Run.newcomers_due_at, _wants_newcomers, _find_free_accounts, now)


def _wants_newcomers(session: Session, run: RunFacts) -> bool:
    return run.definition.is_continuous and takes_newcomers(session, run)


def _find_free_accounts(session: Session, run: RunFacts) -> tuple[set[int], bool]:
    """Accounts with newcomers that no other campaign has to itself, and whether there may be more than these."""
    free: set[int] = set()
    rows = session.execute(_select_newcomers(session, run).execution_options(yield_per=CHUNK))
    with rows:
        for part in rows.partitions():
            accounts = {row.account_id for row in part}
            free |= accounts - find_exclusive(session, run, accounts).keys()
            if len(free) >= CHUNK:
                return free, True
    return free, False


def enrol_newcomers(session: Session, looks: Looks, now: datetime | None = None) -> int:
    """In active runs with continuous enrolment, enrol who matches by now, of the accounts that the looks found; at most
    CHUNK per run.

    Only the latest launch of a campaign takes newcomers. An account that another campaign has to itself waits for that.
    """
    at, enrolled = now or clock.now(), 0
    for run in list_found(session, looks):
        if not takes_newcomers(session, run) or not plans_alone(session, run):
            continue
        people = _select_newcomers(session, run, looks[run.run_id].found).subquery()
        rows = session.execute(select(people).order_by(people.c.contact_id).limit(CHUNK)).all()
        taken = find_exclusive(session, run, {row.account_id for row in rows})
        new = [(row.contact_id, row.account_id, True) for row in rows if row.account_id not in taken]
        enrolled += enrol(session, run, new, at=at, entry=Entry(EnrolmentOrigin.NEWCOMER))
    return enrolled


def _select_newcomers(session: Session, run: RunFacts, accounts: Collection[int] | None = None) -> Select[int, int]:
    """contact_id and account_id of those whom the run means now, or of `accounts` alone, who have not been here."""
    people = select_intended(session, run, per_account=run.definition.people.per_account, accounts=accounts).subquery()
    return select(people.c.contact_id, people.c.account_id).where(~has_been_here(run, people.c))


def takes_newcomers(session: Session, run: RunFacts) -> bool:
    """Whether this is the campaign's latest run but for re-entry waves."""
    latest = session.scalar(select(func.max(Run.id)).where(Run.campaign_id == run.campaign_id,
                                                           Run.kind != RunKind.REENTRY))
    return latest == run.run_id


def has_been_here(run: RunFacts, people: Any) -> Any:
    """In a run since the launch that this one belongs to (a move goes on with it), in another run of the campaign that
    is still going on, or (with a re-entry rule) in any."""
    is_ours = Run.campaign_id == run.campaign_id
    if run.definition.reentry is None:
        launch = aliased(Run)
        launched = (select(func.max(launch.id))
                    .where(launch.campaign_id == run.campaign_id, launch.kind == RunKind.LAUNCH,
                           launch.id <= run.run_id).scalar_subquery())
        is_ours &= or_(Run.id >= func.coalesce(launched, run.run_id), Enrolment.state == EnrolmentState.ACTIVE)
    return exists().where(Enrolment.contact_id == people.contact_id, Run.id == Enrolment.run_id, is_ours)
