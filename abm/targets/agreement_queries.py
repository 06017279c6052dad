"""Reading what sales said to lists: vetoes that stand, sign-offs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.targets.models import ListSignOff, ListVeto


def list_vetoes(session: Session, *, list_id: int, limit: int | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
    """(veto, account's id there, name) of the vetoes that stand, the first to end first."""
    rows = select(ListVeto, Account.external_id, Account.name).join(Account, Account.id == ListVeto.account_id)
    rows = rows.where(ListVeto.list_id == list_id, ListVeto.ended_at.is_(None))
    rows = rows.order_by(ListVeto.until_on, ListVeto.id)
    return session.execute(rows if limit is None else rows.limit(limit)).all()


def find_sign_off(session: Session, *, list_id: int) -> ListSignOff | None:
    """The newest sign-off, voided or not."""
    rows = select(ListSignOff).where(ListSignOff.list_id == list_id).order_by(ListSignOff.id.desc()).limit(1)
    return session.scalars(rows.execution_options(populate_existing=True)).first()


def count_vetoes(session: Session, *, list_id: int) -> int:
    """How many vetoes stand."""
    rows = select(func.count()).select_from(ListVeto).where(ListVeto.list_id == list_id, ListVeto.ended_at.is_(None))
    return session.scalar(rows) or 0


def find_sign_offs(session: Session) -> dict[int, ListSignOff]:
    """The newest sign-off of every list that has one, by the list's id."""
    newest = select(func.max(ListSignOff.id)).group_by(ListSignOff.list_id)
    rows = session.scalars(select(ListSignOff).where(ListSignOff.id.in_(newest)))
    return {row.list_id: row for row in rows}


def find_active_veto(session: Session, *, list_id: int, account_id: int) -> ListVeto | None:
    """The veto that keeps the account out of the list now."""
    rows = select(ListVeto).where(ListVeto.list_id == list_id, ListVeto.account_id == account_id)
    return session.scalars(rows.where(ListVeto.ended_at.is_(None))).first()
