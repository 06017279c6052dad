"""Who begins first and who follows: waves of buying roles, counted among the waves an account really has people for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.conditions import Since, find_fulfilled
from campaigns.due_times import DueTimes, select_intended
from campaigns.facts import RunFacts
from campaigns.models import Enrolment
from campaigns.outside import Recipient
from core.id_lists import is_among


def find_waves(session: Session, run: RunFacts, recipients: Mapping[int, Recipient]) -> dict[int, tuple[int, ...]]:
    """By contact id the waves of their account up to and including their own; one alone begins at once.

    Empty where the campaign has no waves. An account without anybody in the first wave begins with its second.
    """
    waves = run.definition.people.waves
    if not waves:
        return {}
    wave_of = {role: place for place, wave in enumerate(waves) for role in wave.roles}
    last, present = len(waves) - 1, dict[int, set[int]]()
    accounts = {person.account_id for person in recipients.values()}
    people = select_intended(session, run, per_account=run.definition.people.per_account, accounts=accounts).subquery()
    rows = session.execute(select(people.c.account_id, people.c.role).distinct())
    for account_id, role in rows:
        present.setdefault(account_id, set()).add(wave_of.get(role, last))
    found = {}
    for contact_id, person in recipients.items():
        own = wave_of.get(person.role, last)
        before = {place for place in present.get(person.account_id, ()) if place < own}
        found[contact_id] = (*sorted(before), own)
    return found


def wave_start(run: RunFacts, waves: Sequence[int], due: DueTimes, at: datetime,
               recipient: Recipient | None) -> datetime:
    """When somebody begins whose account has these waves up to their own, each counted from the start of the last."""
    for place in waves[1:]:
        at = due.due_at(run.definition.people.waves[place].after, at, recipient)
    return at


def find_answered(session: Session, run: RunFacts, accounts: set[int], conditions: Sequence[str]) -> dict[int, str]:
    """Accounts where somebody of this run has done one of these since they were enrolled, with what it was."""
    if not conditions or not accounts:
        return {}
    rows = session.execute(
        select(Enrolment.id, Enrolment.contact_id, Enrolment.account_id, Enrolment.enrolled_at)
        .where(Enrolment.run_id == run.run_id, is_among(Enrolment.account_id, accounts))).all()
    people = {row.id: Since(row.contact_id, row.account_id, row.enrolled_at) for row in rows}
    return {people[key].account_id: what for key, what in find_fulfilled(session, people, conditions).items()}
