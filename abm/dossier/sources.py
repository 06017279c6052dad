"""What each source brought in: accounts, buyers, orders and value; people, and who of them may be written to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.queries import latest_run
from abm.company.queries import company_today
from abm.contacts.consent import basis_in_force
from abm.contacts.models import Contact
from abm.dossier.models import SourceFigures
from core import clock

NOT_KNOWN = "not known"
_MOST = 200
_COUNTED_AT_ONCE = 50_000
Figures = dict[str, list[dict[str, Any]]]


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
                    _counted(Contact.is_active.is_(True) & basis_in_force(company_today(session))))
             .group_by(name).order_by(func.count().desc(), name).limit(_MOST))
    return [PeopleSource(source, people, int(there), int(basis))
            for source, people, there, basis in session.execute(query)]


def _counted(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


@dataclass(frozen=True)
class Sources:
    """Both tables; `made_at` is when they were counted, None for just now."""

    accounts: Sequence[AccountSource]
    people: Sequence[PeopleSource]
    made_at: datetime | None


def get_sources(session: Session) -> Sources:
    """Counted now while people are few; of a large company what the job counted last."""
    kept = {row.name: row for row in session.scalars(select(SourceFigures))}
    if {"accounts", "people"} <= kept.keys() and is_large(session):
        accounts, people = kept["accounts"], kept["people"]
        return Sources([AccountSource(**row) for row in accounts.content],
                       [PeopleSource(**row) for row in people.content], min(accounts.made_at, people.made_at))
    return Sources(list_account_sources(session, latest_run(session)), list_people_sources(session), None)


def is_large(session: Session) -> bool:
    """Whether counting would keep somebody waiting."""
    return (session.scalar(select(func.max(Contact.id))) or 0) > _COUNTED_AT_ONCE


def count_sources(session: Session) -> None:
    """Count both tables and keep them for the page."""
    keep_figures(session, read_sources(session))


def keep_figures(session: Session, figures: Figures) -> None:
    """Keep what was counted, by name, for the pages."""
    now = clock.now()
    for name, rows in figures.items():
        session.merge(SourceFigures(name=name, content=rows, made_at=now))


def read_sources(session: Session) -> Figures:
    """Both tables as they are kept; only reads, which takes seconds in a large company."""
    found: dict[str, Sequence[AccountSource | PeopleSource]] = {
        "accounts": list_account_sources(session, latest_run(session)), "people": list_people_sources(session)}
    return {name: [asdict(row) for row in rows] for name, rows in found.items()}
