"""Keeping engagement up to date, its rules, and cooling down."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, insert, literal, not_, select, update
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.queries import get_account
from abm.accounts.spans import Whose, everybody
from abm.audit.actions import actor, record
from abm.engagement.ledger import empty_ledger, fill_ledger
from abm.engagement.models import (
    AccountEngagement,
    Cooling,
    EngagementEntry,
    EngagementRules,
    QualificationChange,
)
from abm.engagement.queries import count_engagement, present_rules, select_state
from abm.engagement.rules import Facts, evaluate
from core import clock
from core.db import UtcDateTime
from core.jobs import ring_after_commit

AT_ONCE_UP_TO = 5_000


def refresh_engagement(session: Session, *, now: datetime | None = None) -> dict[str, int]:
    """Fill the ledger, work out every account, and keep each change of qualification with its whole expression."""
    moment = now or clock.now()
    rules, version = present_rules(session)
    fill_ledger(session, rules=rules, rules_id=version, now=moment)
    changed = judge_accounts(session, rules=rules, version=version, now=moment)
    return {**count_engagement(session), "changed": changed}


def judge_accounts(session: Session, *, rules: dict[str, Any], version: int, now: datetime,
                   whose: Whose = everybody) -> int:
    """Work out these accounts from their rows of the ledger; how many of them became qualified or ceased to be."""
    state = select_state(session, rules, now, whose)
    changed = _keep_changes(session, state, rules, version, now)
    session.execute(delete(AccountEngagement).where(whose(AccountEngagement.account_id))
                    .execution_options(synchronize_session=False))
    found = state.subquery()
    names = ("account_id", "points", "people", "is_qualified", "touches", "touches_before", "answers", "answers_before",
             "decay")
    chosen = select(*(found.c[name] for name in names), literal(now, UtcDateTime))
    session.execute(insert(AccountEngagement).from_select([*names, "computed_at"], chosen))
    session.expire_all()
    return changed


def _keep_changes(session: Session, found: Select[Any], rules: dict[str, Any], version: int, now: datetime) -> int:
    """A row and a line on the timeline for each account whose qualification differs from what was kept; only these are
    looked at one by one."""
    state = found.subquery()
    changed = session.execute(select(state).where(state.c.is_qualified.is_distinct_from(state.c.was_qualified))).all()
    for row in changed:
        facts = Facts(row.tier, row.employees, float(row.fit), float(row.points), int(row.people), bool(row.is_locked),
                      bool(row.is_cooling))
        expression = evaluate(facts, rules, version)
        session.add(QualificationChange(account_id=row.account_id, is_qualified=expression["is_qualified"],
                                        expression=expression, at=now))
        title = "Became a qualified account" if expression["is_qualified"] else "No longer a qualified account"
        add_account_event(session, account_id=row.account_id, kind="engagement", title=title,
                          link=f"/accounts/{row.account_id}/engagement")
    session.flush()
    return len(changed)


def publish_rules(session: Session, *, rules: dict[str, Any], note: str) -> EngagementRules:
    """A new version, in force at once: the ledger is made again by it, a large one in the background. Earlier versions
    are kept."""
    made = EngagementRules(content=rules, note=note[:300], made_by=actor().name, made_at=clock.now())
    session.add(made)
    session.flush()
    record(session, action="engagement.publish", subject="engagement_rules", subject_id=made.id, after=rules)
    if (session.scalar(select(func.count()).select_from(EngagementEntry)) or 0) > AT_ONCE_UP_TO:
        ring_after_commit(session, "engagement.refresh")
        return made
    empty_ledger(session)
    refresh_engagement(session)
    return made


def cool_down(session: Session, *, account_id: int, days: int, reason: str) -> datetime:
    """Hand an account back to nurture: it is not qualified again before the moment that is returned. Raises
    NotFound."""
    account = get_account(session, account_id)
    until = clock.now() + timedelta(days=days)
    session.merge(Cooling(account_id=account.id, until=until, reason=reason[:300]))
    record(session, action="engagement.cool_down", subject="account", subject_id=account.id,
           after={"until": until.isoformat(), "reason": reason})
    add_account_event(session, account_id=account.id, kind="engagement", text=reason[:300],
                      title=f"Back to nurture until {until:%Y-%m-%d}", link=f"/accounts/{account.id}/engagement")
    _judge_again(session, account.id)
    return until


def end_cooling(session: Session, *, account_id: int) -> bool:
    """Let the account be qualified again from now on; whether it was cooling down. Raises NotFound."""
    account, found = get_account(session, account_id), session.get(Cooling, account_id)
    if found is None:
        return False
    session.delete(found)
    record(session, action="engagement.end_cooling", subject="account", subject_id=account.id,
           before={"until": found.until.isoformat(), "reason": found.reason})
    add_account_event(session, account_id=account.id, kind="engagement", title="No longer cooling down",
                      link=f"/accounts/{account.id}/engagement")
    _judge_again(session, account.id)
    return True


def _judge_again(session: Session, account_id: int) -> None:
    """The qualification of one account, at once."""
    session.flush()
    (rules, version), now = present_rules(session), clock.now()
    own = select_state(session, rules, now, lambda column: column == account_id)
    if _keep_changes(session, own, rules, version, now):
        session.execute(update(AccountEngagement).where(AccountEngagement.account_id == account_id).values(
            is_qualified=not_(AccountEngagement.is_qualified)))
        session.expire_all()
