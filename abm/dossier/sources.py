"""What each source brought in: accounts, buyers, orders and value; people, and who of them may be written to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.contacts.models import Contact

NOT_KNOWN = "not known"
_MOST = 200


@dataclass(frozen=True)
class AccountSource:
    """`buyers` have ordered; values are those of the latest analysis."""

    name: str
    accounts: int
    buyers: int
    orders: int
    value: float
    lapsed: int

    @property
    def per_account(self) -> float:
        return self.value / self.accounts if self.accounts else 0.0

    @property
    def buying_share(self) -> float:
        return self.buyers / self.accounts if self.accounts else 0.0


@dataclass(frozen=True)
class PeopleSource:
    name: str
    people: int
    still_there: int
    with_basis: int


def list_account_sources(session: Session, run: AnalysisRun | None) -> Sequence[AccountSource]:
    """By what they brought, in one statement over all accounts and the run's results (none without a run)."""
    name = func.coalesce(Account.source, NOT_KNOWN)
    own = (AccountResult.account_id == Account.id) & (AccountResult.run_id == (run.id if run else 0))
    value = func.coalesce(func.sum(AccountResult.value), 0.0)
    query = (select(name, func.count(), func.count(AccountResult.account_id),
                    func.coalesce(func.sum(AccountResult.orders), 0), value, _counted(AccountResult.rhythm == "lapsed"))
             .select_from(Account).outerjoin(AccountResult, own).group_by(name)
             .order_by(value.desc(), func.count().desc(), name).limit(_MOST))
    return [AccountSource(source, accounts, buyers, int(orders), float(brought), int(lapsed))
            for source, accounts, buyers, orders, brought, lapsed in session.execute(query)]


def list_people_sources(session: Session) -> Sequence[PeopleSource]:
    """By how many people came from where (the source of the lawful basis)."""
    name = func.coalesce(Contact.basis_source, NOT_KNOWN)
    query = (select(name, func.count(), _counted(Contact.is_active.is_(True)),
                    _counted(Contact.is_active.is_(True) & (Contact.lawful_basis != "none")))
             .group_by(name).order_by(func.count().desc(), name).limit(_MOST))
    return [PeopleSource(source, people, int(there), int(basis))
            for source, people, there, basis in session.execute(query)]


def _counted(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
