"""Opening a case by decision, before the rhythm says so."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.queries import get_account
from abm.audit.actions import record
from abm.company.queries import company_today
from abm.orders.models import AccountDay
from abm.winback.models import Case
from abm.winback.queries import CASE_LINK, find_open_case
from abm.winback.rhythms import YEAR_DAYS
from core import clock
from core.errors import Refused


def open_case(session: Session, *, account_id: int, reason: str) -> Case:
    """A case for an account that people have decided to win back; the open one when there is one already.

    Raises NotFound (account), and Refused for an account that never ordered: there is nothing to win back.
    """
    account, case = get_account(session, account_id), find_open_case(session, account_id)
    if case is not None:
        return case
    rows = session.execute(select(AccountDay.day, AccountDay.amount).where(AccountDay.account_id == account_id)
                           .order_by(AccountDay.day)).all()
    if not rows:
        raise Refused(f"{account.name} never ordered: there is nothing to win back")
    days, today = [row.day for row in rows], company_today(session)
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    gap = float(median(gaps)) if gaps else 0.0
    value = sum((row.amount for row in rows if row.day > days[-1] - timedelta(days=YEAR_DAYS)), Decimal(0))
    case = Case(account_id=account_id, as_of=today, last_order_on=days[-1], median_gap_days=gap,
                overdue_ratio=(today - days[-1]).days / gap if gap else 0.0, yearly_value=float(value),
                owner_id=account.owner_id, detected_at=clock.now())
    session.add(case)
    session.flush()
    add_account_event(session, account_id=account_id, kind="winback", title="Win-back case opened by decision",
                      text=reason, link=f"{CASE_LINK}{case.id}")
    record(session, action="winback.open", subject="case", subject_id=case.id, after={"reason": reason})
    return case
