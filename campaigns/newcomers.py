"""Who joins a run after its launch: newcomers of a continuous campaign, and who takes a leaver's place."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from campaigns.due_times import select_intended
from campaigns.facts import RunFacts
from campaigns.models import Enrolment, Run
from campaigns.moving import CHUNK
from campaigns.outside import Recipient, outside
from campaigns.planning import Entry, enrol, plans_alone
from campaigns.refusals import find_exclusive
from campaigns.runs import list_run_facts
from campaigns.states import EnrolmentOrigin, EnrolmentState, Reason, RunKind, RunState
from core import clock

LEAVERS = (Reason.LEFT_COMPANY, Reason.ERASED, Reason.NO_LONGER_MATCHES, Reason.HARD_BOUNCE)
LOOK_BACK = timedelta(days=30)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_EVERYBODY = 1_000_000  # people of one account: a limit nobody reaches, with which places are told
SHORT_LOOK, PAUSE_PER_LOOK = 0.25, 20  # seconds; and so many times as long as a longer look took, none follows
Leaver = Row[int, int, int, str | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at those whom a run means found: accounts with newcomers, whether there may be more, and the seconds
    that it took."""

    accounts: frozenset[int]
    is_cut: bool
    seconds: float

    def pause(self) -> timedelta:
        """How long not to look again: a list of a million people takes seconds, which need not be every few seconds."""
        is_slow = self.seconds > SHORT_LOOK and not self.is_cut
        return timedelta(seconds=self.seconds * PAUSE_PER_LOOK if is_slow else 0)


def look_for_newcomers(session: Session, now: datetime | None = None) -> dict[int, Look]:
    """By run who might be enrolled; asked of a session that only reads, since nobody else could write to SQLite while
    somebody writes and looks through a long list. Runs whose pause goes on are not there."""
    at, found = now or clock.now(), {}
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        if run.definition.is_continuous and takes_newcomers(session, run) and _is_time_to_look(session, run, at):
            began = time.monotonic()
            accounts, is_cut = _find_free_accounts(session, run)
            found[run.run_id] = Look(frozenset(accounts), is_cut, time.monotonic() - began)
    return found


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


def _is_time_to_look(session: Session, run: RunFacts, at: datetime) -> bool:
    due = session.scalar(select(Run.newcomers_due_at).where(Run.id == run.run_id))
    return due is None or due <= at


def pause_looking(session: Session, looks: Mapping[int, Look], now: datetime | None = None) -> None:
    """After slow looks, none for a while."""
    for run_id, look in looks.items():
        if look.pause():
            session.execute(update(Run).where(Run.id == run_id)
                            .values(newcomers_due_at=(now or clock.now()) + look.pause()))


def enrol_newcomers(session: Session, looks: Mapping[int, Look], now: datetime | None = None) -> int:
    """In active runs with continuous enrolment, enrol who matches by now, of the accounts that the looks found; at most
    CHUNK per run.

    Only the latest launch of a campaign takes newcomers. An account that another campaign has to itself waits for that.
    """
    at, enrolled = now or clock.now(), 0
    for run in list_run_facts(session, ids=[run_id for run_id, look in looks.items() if look.accounts],
                              states=(RunState.ACTIVE,)):
        if not takes_newcomers(session, run) or not plans_alone(session, run):
            continue
        people = _select_newcomers(session, run, looks[run.run_id].accounts).subquery()
        rows = session.execute(select(people).order_by(people.c.contact_id).limit(CHUNK)).all()
        taken = find_exclusive(session, run, {row.account_id for row in rows})
        new = [(row.contact_id, row.account_id, True) for row in rows if row.account_id not in taken]
        enrolled += enrol(session, run, new, at=at, entry=Entry(EnrolmentOrigin.NEWCOMER))
    return enrolled


def _select_newcomers(session: Session, run: RunFacts, accounts: Collection[int] | None = None) -> Select[int, int]:
    """contact_id and account_id of those whom the run means now, or of `accounts` alone, who have not been here."""
    people = select_intended(session, run, per_account=run.definition.people.per_account, accounts=accounts).subquery()
    return select(people.c.contact_id, people.c.account_id).where(~_has_been_here(run, people.c))


def takes_newcomers(session: Session, run: RunFacts) -> bool:
    """Whether this is the campaign's latest run but for re-entry waves."""
    latest = session.scalar(select(func.max(Run.id)).where(Run.campaign_id == run.campaign_id,
                                                           Run.kind != RunKind.REENTRY))
    return latest == run.run_id


def _has_been_here(run: RunFacts, people: Any) -> Any:
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


def replace_leavers(session: Session, now: datetime | None = None) -> int:
    """Where a campaign says so, enrol the next person of the role in the place of who has left, lost the role or has a
    dead mailbox; how many. They begin at the first step, at once."""
    at, replaced = now or clock.now(), 0
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        if not run.definition.people.replaces_leavers or not plans_alone(session, run):
            continue
        chosen = _choose(session, run, _find_leavers(session, run, at - LOOK_BACK))
        if chosen:
            people = [(contact_id, leaver.account_id, True) for contact_id, leaver in chosen.items()]
            entry = Entry(EnrolmentOrigin.REPLACEMENT, {contact_id: row.id for contact_id, row in chosen.items()})
            replaced += enrol(session, run, people, at=at, entry=entry)
    return replaced


def list_empty_places(session: Session, campaign_id: int) -> list[tuple[int, str, datetime]]:
    """(contact_id, role they had, until when a successor is looked for) of those who left a place that nobody has
    taken, in the campaign's active runs; at most CHUNK per run."""
    found = []
    ids = session.scalars(select(Run.id).where(Run.campaign_id == campaign_id)).all()
    for run in list_run_facts(session, ids=ids, states=(RunState.ACTIVE,)):
        if run.definition.people.replaces_leavers:
            leavers = _find_leavers(session, run, _EVER)
            roles = _roles_of(session, leavers)
            found += [(one.contact_id, roles.get(one.contact_id, ""), one.ended_at + LOOK_BACK)
                      for one in _without_returned(run, leavers, roles)]
    return found


def _find_leavers(session: Session, run: RunFacts, since: datetime) -> Sequence[Leaver]:
    """Enrolments (id, account_id, contact_id, end_reason, ended_at) that ended since and so, whose place nobody has
    taken."""
    successor = aliased(Enrolment)
    return session.execute(
        select(Enrolment.id, Enrolment.account_id, Enrolment.contact_id, Enrolment.end_reason, Enrolment.ended_at)
        .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.STOPPED,
               Enrolment.end_reason.in_([why.value for why in LEAVERS]), Enrolment.ended_at > since,
               ~exists().where(successor.replaces_id == Enrolment.id, successor.run_id == run.run_id))
        .order_by(Enrolment.id).limit(CHUNK)).all()


def _roles_of(session: Session, leavers: Sequence[Leaver]) -> dict[int, str]:
    facts = outside().people.recipients(session, [leaver.contact_id for leaver in leavers])
    return {contact_id: person.role for contact_id, person in facts.items()}


def _without_returned(run: RunFacts, leavers: Sequence[Leaver], roles: Mapping[int, str]) -> list[Leaver]:
    """Without those who lost their role and have it again."""
    return [leaver for leaver in leavers if leaver.end_reason != Reason.NO_LONGER_MATCHES
            or roles.get(leaver.contact_id, "") not in run.definition.people.roles]


def _choose(session: Session, run: RunFacts,
            leavers: Sequence[Leaver]) -> dict[int, Leaver]:
    """By the contact who comes, the leaver: the next in the same role; where the role is not known any more, the next
    of the campaign's roles."""
    if not leavers:
        return {}
    roles = _roles_of(session, leavers)
    leavers = _without_returned(run, leavers, roles)
    waiting = _candidates(session, run, {leaver.account_id for leaver in leavers})
    chosen: dict[int, Leaver] = {}
    for leaver in leavers:
        fitting = _of_role(waiting.get(leaver.account_id, []), roles.get(leaver.contact_id, ""), run)
        for person in fitting[:1]:
            chosen[person.contact_id] = leaver
            waiting[leaver.account_id].remove(person)
    return chosen


def _of_role(people: Iterable[Recipient], role: str, run: RunFacts) -> list[Recipient]:
    """In order. Somebody whose own role changed left a seat of the campaign's roles, so any of them fits."""
    is_seat = not run.definition.people.roles or role in run.definition.people.roles
    return [person for person in people if not (role and is_seat) or person.role == role]


def _candidates(session: Session, run: RunFacts, accounts: set[int]) -> Mapping[int, list[Recipient]]:
    """By account who is meant and has not been here, in order of weight."""
    people = select_intended(session, run, per_account=_EVERYBODY, accounts=accounts).subquery()
    is_there = _has_been_here(run, people.c)
    ids = session.scalars(select(people.c.contact_id).where(~is_there)
                          .order_by(people.c.place, people.c.contact_id)).all()
    facts = outside().people.recipients(session, list(ids))
    found: dict[int, list[Recipient]] = {}
    for contact_id in ids:
        if contact_id in facts:
            found.setdefault(facts[contact_id].account_id, []).append(facts[contact_id])
    return found
