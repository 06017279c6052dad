"""Successors: where a campaign says so, the next person of the role takes the place of who has left, lost the role or
has a dead mailbox."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, exists, select
from sqlalchemy.orm import Session, aliased

from campaigns.due_times import select_intended
from campaigns.facts import RunFacts
from campaigns.looks import Looks, list_found, look_at_runs
from campaigns.models import Enrolment, Run
from campaigns.moving import CHUNK
from campaigns.newcomers import has_been_here
from campaigns.outside import Recipient, outside
from campaigns.planning import Entry, enrol, plans_alone
from campaigns.runs import list_run_facts
from campaigns.states import EnrolmentOrigin, EnrolmentState, Reason, RunState
from core import clock
from core.id_lists import is_among

LEAVERS = (Reason.LEFT_COMPANY, Reason.ERASED, Reason.NO_LONGER_MATCHES, Reason.HARD_BOUNCE)
LOOK_BACK = timedelta(days=30)
_EVERYBODY = 1_000_000  # people of one account: a limit nobody reaches, with which places are told
Leaver = Row[int, int, int, str | None, datetime | None]


def look_for_successors(session: Session, now: datetime | None = None) -> Looks:
    """By run the enrolments of leavers whose place somebody can take. All leavers are looked at, part by part, so that
    those without a successor hide nobody."""
    since = (now or clock.now()) - LOOK_BACK
    return look_at_runs(session, Run.successors_due_at, lambda _session, run: run.definition.people.replaces_leavers,
                        lambda session, run: _find_replaceable(session, run, since), now)


def _find_replaceable(session: Session, run: RunFacts, since: datetime) -> tuple[set[int], bool]:
    """Enrolments of leavers with a successor, and whether there may be more than these."""
    found: set[int] = set()
    rows = session.execute(_select_leavers(run).where(Enrolment.ended_at > since)
                           .execution_options(yield_per=CHUNK))
    with rows:
        for part in rows.partitions():
            found |= {leaver.id for leaver in _choose(session, run, part).values()}
            if len(found) >= CHUNK:
                return found, True
    return found, False


def replace_leavers(session: Session, looks: Looks, now: datetime | None = None) -> int:
    """Enrol successors of the leavers that the looks found; how many. They begin at the first step, at once."""
    at, replaced = now or clock.now(), 0
    for run in list_found(session, looks):
        if not run.definition.people.replaces_leavers or not plans_alone(session, run):
            continue
        leavers = session.execute(_select_leavers(run).where(is_among(Enrolment.id, sorted(looks[run.run_id].found))))
        chosen = _choose(session, run, leavers.all())
        people = [(contact_id, leaver.account_id, True) for contact_id, leaver in chosen.items()]
        entry = Entry(EnrolmentOrigin.REPLACEMENT, {contact_id: row.id for contact_id, row in chosen.items()})
        replaced += enrol(session, run, people, at=at, entry=entry)
    return replaced


def list_empty_places(session: Session, campaign_id: int,
                      contact_id: int | None = None) -> list[tuple[int, str, datetime]]:
    """(contact_id, role they had, until when a successor is looked for) of those, or of this person, who left a place
    that nobody has taken, in the campaign's active runs; at most CHUNK per run."""
    found = []
    ids = session.scalars(select(Run.id).where(Run.campaign_id == campaign_id)).all()
    for run in list_run_facts(session, ids=ids, states=(RunState.ACTIVE,)):
        if run.definition.people.replaces_leavers:
            left = _select_leavers(run)
            left = left if contact_id is None else left.where(Enrolment.contact_id == contact_id)
            leavers = session.execute(left.limit(CHUNK)).all()
            roles = _roles_of(session, leavers)
            found += [(one.contact_id, roles.get(one.contact_id, ""), one.ended_at + LOOK_BACK)
                      for one in _without_returned(run, leavers, roles)]
    return found


def _select_leavers(run: RunFacts) -> Select[int, int, int, str | None, datetime | None]:
    """Enrolments (id, account_id, contact_id, end_reason, ended_at) of who left, whose place nobody has taken; who left
    first stands first."""
    successor = aliased(Enrolment)
    return (
        select(Enrolment.id, Enrolment.account_id, Enrolment.contact_id, Enrolment.end_reason, Enrolment.ended_at)
        .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.STOPPED,
               Enrolment.end_reason.in_([why.value for why in LEAVERS]),
               ~exists().where(successor.replaces_id == Enrolment.id, successor.run_id == run.run_id))
        .order_by(Enrolment.id))


def _roles_of(session: Session, leavers: Sequence[Leaver]) -> dict[int, str]:
    facts = outside().people.recipients(session, [leaver.contact_id for leaver in leavers])
    return {contact_id: person.role for contact_id, person in facts.items()}


def _without_returned(run: RunFacts, leavers: Sequence[Leaver], roles: Mapping[int, str]) -> list[Leaver]:
    """Without those who lost their role and have it again."""
    return [leaver for leaver in leavers if leaver.end_reason != Reason.NO_LONGER_MATCHES
            or roles.get(leaver.contact_id, "") not in run.definition.people.roles]


def _choose(session: Session, run: RunFacts, leavers: Sequence[Leaver]) -> dict[int, Leaver]:
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
    is_there = has_been_here(run, people.c)
    ids = session.scalars(select(people.c.contact_id).where(~is_there)
                          .order_by(people.c.place, people.c.contact_id)).all()
    facts = outside().people.recipients(session, list(ids))
    found: dict[int, list[Recipient]] = {}
    for contact_id in ids:
        if contact_id in facts:
            found.setdefault(facts[contact_id].account_id, []).append(facts[contact_id])
    return found
