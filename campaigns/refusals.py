"""Why somebody does not take part in a run although the list means them: another campaign has the account to itself, or
they took part before and the re-entry rule says no."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session

from campaigns.definition_values import REENTRY_AFTER, REENTRY_NEVER, Reentry
from campaigns.due_times import select_intended
from campaigns.eligibility import Objection
from campaigns.facts import RunFacts
from campaigns.models import Enrolment, Run
from campaigns.runs import list_run_facts
from campaigns.states import EnrolmentState, Reason, RunState
from core.id_lists import is_among

_OPEN = (RunState.PLANNING, RunState.ACTIVE, RunState.PAUSED)


def find_refusals(session: Session, run: RunFacts, accounts: Mapping[int, int], *, at: datetime,
                  is_return: bool) -> dict[int, Objection]:
    """By contact id (`accounts`: contact id to account id) what speaks against enrolling them at `at`.

    `is_return`: ask the re-entry rule too.
    """
    taken = find_exclusive(session, run, set(accounts.values()))
    refused = {contact_id: _taken(taken[account_id]) for contact_id, account_id in accounts.items()
               if account_id in taken}
    if is_return and run.definition.reentry:
        refused |= _been_before(session, run, run.definition.reentry, accounts, at)
    return refused


def _taken(campaign: str) -> Objection:
    return Objection(Reason.EXCLUSIVE_ELSEWHERE, f"The account is in the campaign {campaign}, which has it to itself "
                                                 "and is at least as urgent; a launch after its end takes it in.")


def find_exclusive(session: Session, run: RunFacts, accounts: Collection[int]) -> dict[int, str]:
    """Accounts where an open run of another exclusive campaign is under way, of the same or a higher priority (a lower
    number), with that campaign's name."""
    others = {other.run_id: other.campaign_name for other in list_run_facts(session, states=_OPEN)
              if other.definition.is_exclusive and other.campaign_id != run.campaign_id
              and other.priority <= run.priority}
    if not others or not accounts:
        return {}
    rows = session.execute(
        select(Enrolment.account_id, func.min(Enrolment.run_id))
        .where(is_among(Enrolment.account_id, set(accounts)), Enrolment.run_id.in_(others),
               Enrolment.state == EnrolmentState.ACTIVE, Enrolment.end_reason.is_(None))
        .group_by(Enrolment.account_id))
    return {account_id: others[run_id] for account_id, run_id in rows}


def _been_before(session: Session, run: RunFacts, rule: Reentry, accounts: Mapping[int, int],
                 at: datetime) -> dict[int, Objection]:
    before = {row.contact_id: row for row in session.execute(
        select_earlier(run).where(is_among(Enrolment.contact_id, set(accounts))))}
    since = _members_since(session, run, before) if before else {}
    return {contact_id: Objection(Reason.BEEN_BEFORE, f"The person took part in this campaign until "
                                  f"{row.ended_at:%Y-%m-%d}, and its re-entry rule is: {say_reentry(rule)}.")
            for contact_id, row in before.items()
            if row.open_runs or not may_return(rule, row.ended_at, since.get(contact_id), at)}


def select_earlier(run: RunFacts, *, own: bool = False) -> Select[int, datetime, int]:
    """Per person who took part in another run of the campaign (`own`: or this): contact_id, ended_at of the last,
    open_runs."""
    is_open = Enrolment.state == EnrolmentState.ACTIVE
    return (select(Enrolment.contact_id, func.max(func.coalesce(Enrolment.ended_at, Enrolment.enrolled_at))
                   .label("ended_at"), func.count(Enrolment.id).filter(is_open).label("open_runs"))
            .join(Run, Run.id == Enrolment.run_id)
            .where(Run.campaign_id == run.campaign_id, *(() if own else (Run.id != run.run_id,)))
            .group_by(Enrolment.contact_id))


def _members_since(session: Session, run: RunFacts, contact_ids: Collection[int]) -> dict[int, datetime]:
    people = select_intended(session, run, per_account=None).subquery()
    rows = session.execute(select(people.c.contact_id, people.c.member_since)
                           .where(is_among(people.c.contact_id, set(contact_ids))))
    return dict(rows.all())


def may_return(rule: Reentry, ended_at: datetime, member_since: datetime | None, at: datetime) -> bool:
    """Whether somebody whose way ended at `ended_at` may come again at `at`; `member_since`: their account's last
    entry into the list."""
    if rule.kind == REENTRY_NEVER:
        return False
    if rule.kind == REENTRY_AFTER:
        return ended_at + _length(rule) <= at
    return member_since is not None and member_since > ended_at


def _length(rule: Reentry) -> timedelta:
    return timedelta(**{rule.after.unit: rule.after.amount})


def select_returning(session: Session, run: RunFacts, at: datetime, *, own: bool = False) -> Select[int, int]:
    """contact_id and account_id of those whom the campaign means now, whose way through it is over and who may return.

    `own`: those of this run count as earlier, too.
    """
    rule = run.definition.reentry
    people = select_intended(session, run, per_account=run.definition.people.per_account).subquery()
    earlier = select_earlier(run, own=own).subquery()
    found = (select(people.c.contact_id, people.c.account_id).join(earlier, earlier.c.contact_id == people.c.contact_id)
             .where(earlier.c.open_runs == 0))
    if rule is None or rule.kind == REENTRY_NEVER:
        return found.where(false())
    if rule.kind == REENTRY_AFTER:
        return found.where(earlier.c.ended_at <= at - _length(rule))
    return found.where(people.c.member_since > earlier.c.ended_at)


def say_reentry(rule: Reentry) -> str:
    """`never`, `after 90 days`, `once the account has left the list and come back`."""
    if rule.kind == REENTRY_NEVER:
        return "never"
    return f"after {rule.after}" if rule.kind == REENTRY_AFTER else "once the account has left the list and come back"
