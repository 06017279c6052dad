"""Whose review is due, with what the data know of them: one statement for all."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, case, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run, latest_run_id
from abm.orders.models import AccountDay
from abm.plans.gates import CHASE, GATES, failed_questions
from abm.plans.models import AccountReview, Qualification
from abm.plans.proposing import TOP_TIER, Facts
from abm.plans.queries import is_due, last_decisions
from core.db import MONEY_SCALE

YEAR_DAYS = 365
LARGEST = 20
MOST_AT_ONCE = 2_000


@dataclass(frozen=True)
class Candidate:
    account_id: int
    as_of: date
    facts: Facts


def list_candidates(session: Session, *, today: date, account_id: int | None = None) -> list[Candidate]:
    """Key accounts whose review is due and not open, the dearest first, at most 2,000; or the one account, whatever
    its day. Key are those of tier 1, qualified as key, of a kind, kept by the last review, or among the 20 largest."""
    run = latest_run(session)
    as_of = run.as_of if run and run.as_of else today
    query = _with_facts(as_of)
    if account_id is not None:
        query = query.where(Account.id == account_id)
    else:
        last = last_decisions()
        is_open = select(AccountReview.id).where(AccountReview.account_id == Account.id,
                                                 AccountReview.decided_at.is_(None)).exists()
        largest = select(AccountResult.account_id).where(AccountResult.run_id == latest_run_id()).order_by(
            AccountResult.value.desc(), AccountResult.account_id).limit(LARGEST)
        query = query.outerjoin(last, last.c.account_id == Account.id).where(
            or_(Account.tier == TOP_TIER, Qualification.state == "key", Qualification.kind.is_not(None),
                last.c.decision == "keep", Account.id.in_(largest)), is_due(last, today), ~is_open)
    return [Candidate(row.id, as_of, _facts(row)) for row in session.execute(query.limit(MOST_AT_ONCE))]


def _with_facts(as_of: date) -> Select[*tuple[Any, ...]]:
    year, two_years = as_of - timedelta(days=YEAR_DAYS), as_of - timedelta(days=2 * YEAR_DAYS)

    def sales(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        amount = func.sum(case((condition, type_coerce(AccountDay.amount, BigInteger)), else_=0))
        own = select(amount).where(AccountDay.account_id == Account.id, AccountDay.day <= as_of)
        return own.correlate(Account).scalar_subquery()

    value = sales(AccountDay.day > year).label("value_12m")
    columns: list[ColumnElement[Any]] = [
        value, sales(and_(AccountDay.day <= year, AccountDay.day > two_years)).label("value_before")]
    query: Select[*tuple[Any, ...]] = select(
        Account.id, Account.tier, *columns, AccountResult.abc, AccountResult.share, AccountResult.rhythm,
        AccountResult.overdue_ratio, AccountResult.days_since_last, AccountResult.orders,
        *(getattr(Qualification, name) for name in (*GATES, *CHASE)))
    query = query.select_from(Account).outerjoin(AccountResult, and_(AccountResult.account_id == Account.id,
                                                AccountResult.run_id == latest_run_id()))
    query = query.outerjoin(Qualification, Qualification.account_id == Account.id)
    return query.order_by(func.coalesce(value, 0).desc(), Account.id)


def _facts(row: Row[*tuple[Any, ...]]) -> Facts:
    answers = {name: getattr(row, name) or "ask" for name in (*GATES, *CHASE)}
    return Facts(
        value_12m=float(row.value_12m or 0) / MONEY_SCALE, value_before=float(row.value_before or 0) / MONEY_SCALE,
        abc=row.abc, share=row.share, rhythm=row.rhythm, overdue_ratio=row.overdue_ratio,
        days_since_last=row.days_since_last, tier=row.tier, has_ordered=bool(row.orders),
        gates={name: answers[name] for name in GATES}, failed=tuple(failed_questions(answers)))
