"""Reading qualifications and reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.analysis.models import AnalysisRun
from abm.audit.models import AuditDetail, AuditEntry
from abm.contacts.models import Contact
from abm.plans.gates import CHASE, CHASES, KINDS, STATES, failed_questions
from abm.plans.models import AccountReview, Qualification, QualificationAnswer
from core.errors import NotFound


def find_qualification(session: Session, account_id: int) -> Qualification | None:
    """How an account stands; None before it was first computed."""
    return session.get(Qualification, account_id)


def list_answers(session: Session, account_id: int) -> dict[str, QualificationAnswer]:
    """What people said of an account, by question (and `kind`)."""
    query = select(QualificationAnswer).where(QualificationAnswer.account_id == account_id)
    return {row.question: row for row in session.scalars(query)}


FILTERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "state": ("Standing", STATES), "kind": ("Kind", {**KINDS, "proposed": "Kind proposed"}), "chase": ("Chase", CHASES),
}


@dataclass(frozen=True)
class Listing:
    """What somebody looks for among the qualified accounts."""

    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, str]:
        return {name: value for name, value in {"q": self.text, **self.filters}.items() if value}


def read_listing(arguments: Mapping[str, str]) -> Listing:
    """From an address; what is not known is ignored."""
    filters = {name: arguments[name] for name, (_label, known) in FILTERS.items() if arguments.get(name) in known}
    return Listing(arguments.get("q", "").replace("\x00", "").strip()[:200], filters)


def select_qualified(listing: Listing) -> Select[*tuple[Any, ...]]:
    """Qualification and Account of everybody who fits; unsorted."""
    both: Select[*tuple[Any, ...]] = select(Qualification, Account)
    query = both.join(Account, Account.id == Qualification.account_id)
    if listing.text:
        query = query.where(or_(Account.name.icontains(listing.text, autoescape=True),
                                Account.external_id.icontains(listing.text, autoescape=True)))
    for name, value in listing.filters.items():
        if (name, value) == ("kind", "proposed"):
            query = query.where(Qualification.kind_proposed.is_not(None))
        else:
            query = query.where(getattr(Qualification, name) == value)
    return query


def failed_of(row: Qualification) -> list[str]:
    """Which questions before the chase an account fails, in words."""
    return failed_questions({name: getattr(row, name) for name in CHASE})


def is_stopped(account_id: Any) -> ColumnElement[bool]:
    """The condition that an account is a prospect (it never ordered) that fails a question before the chase."""
    one = aliased(Qualification)  # its own, so that a query over qualifications may ask too
    return select(one.account_id).where(one.account_id == account_id, one.chase == "stop", one.orders == 0).exists()


def list_stopped(session: Session, account_ids: Select[Any], *, limit: int) -> Sequence[tuple[Account, Qualification]]:
    """Of these accounts those that are stopped so."""
    query = select(Account, Qualification).join(Qualification, Qualification.account_id == Account.id)
    query = query.where(Account.id.in_(account_ids), is_stopped(Account.id)).order_by(Account.name_key)
    return [(row[0], row[1]) for row in session.execute(query.limit(limit))]


def count_states(session: Session) -> dict[str, int]:
    """How many accounts stand where."""
    query = select(Qualification.state, func.count()).group_by(Qualification.state)
    found = {state: count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in STATES}


def is_stale(session: Session) -> bool:
    """Whether an analysis has ended, or accounts or people have changed, since the last computing."""
    last = session.execute(select(AuditEntry.at, AuditDetail.after).outerjoin(
        AuditDetail, AuditDetail.entry_id == AuditEntry.id).where(
        AuditEntry.subject == "qualification", AuditEntry.action == "qualification.compute"
    ).order_by(AuditEntry.id.desc()).limit(1)).first()
    if last is None:
        return bool(session.scalar(select(exists(select(Account.id)))))
    began_at = (last.after or {}).get("began_at")
    computed_at = datetime.fromisoformat(began_at) if began_at else last.at
    columns = (AnalysisRun.finished_at, Account.updated_at, Contact.updated_at)
    newest = (session.scalar(select(func.max(column))) for column in columns)
    return any(moment is not None and moment > computed_at for moment in newest)


def get_review(session: Session, review_id: int) -> AccountReview:
    """A review by its id. Raises NotFound."""
    found = session.get(AccountReview, review_id)
    if found is None:
        raise NotFound("There is no such review")
    return found


def find_open_review(session: Session, account_id: int) -> AccountReview | None:
    query = select(AccountReview).where(AccountReview.account_id == account_id, AccountReview.decided_at.is_(None))
    return session.scalars(query).first()


def list_account_reviews(session: Session, account_id: int) -> Sequence[AccountReview]:
    """An account's reviews, the newest first."""
    query = select(AccountReview).where(AccountReview.account_id == account_id)
    return session.scalars(query.order_by(AccountReview.id.desc()).limit(50)).all()


def select_reviews(*, is_open: bool, proposal: str = "") -> Select[*tuple[Any, ...]]:
    """AccountReview and Account of the open or the decided reviews; unsorted."""
    both: Select[*tuple[Any, ...]] = select(AccountReview, Account)
    query = both.join(Account, Account.id == AccountReview.account_id)
    query = query.where(AccountReview.decided_at.is_(None) if is_open else AccountReview.decided_at.is_not(None))
    return query.where(AccountReview.proposal == proposal) if proposal else query


def due_since() -> ScalarSelect[date | None]:
    """The day on which the account of an AccountReview was to be asked again; NULL where it was never reviewed."""
    before = aliased(AccountReview)
    own = select(func.max(before.next_review_on)).where(
        before.account_id == AccountReview.account_id, before.decided_at.is_not(None))
    return own.correlate(AccountReview).scalar_subquery()


def list_open_reviews(session: Session, *, owner_id: int | None = None, limit: int = 10) -> Sequence[AccountReview]:
    """Reviews that wait for a decision, the dearest first; with an owner, those of the owner's accounts."""
    query = select(AccountReview).join(Account, Account.id == AccountReview.account_id)
    query = query.where(AccountReview.decided_at.is_(None))
    if owner_id is not None:
        query = query.where(Account.owner_id == owner_id)
    return session.scalars(query.order_by(AccountReview.value_12m.desc(), AccountReview.id).limit(limit)).all()


def count_open_reviews(session: Session) -> dict[str, int]:
    """How many wait, by proposal."""
    query = select(AccountReview.proposal, func.count()).where(AccountReview.decided_at.is_(None))
    return {proposal: count for proposal, count in session.execute(query.group_by(AccountReview.proposal))}


def last_decisions() -> Any:
    """Subquery: account_id, decision and next_review_on of each account's last decided review."""
    newest = select(func.max(AccountReview.id)).where(AccountReview.decided_at.is_not(None)).group_by(
        AccountReview.account_id)
    return select(AccountReview.account_id, AccountReview.decision, AccountReview.next_review_on).where(
        AccountReview.id.in_(newest)).subquery("last_decision")


def is_due(last: Any, today: date) -> Any:
    """The condition that a review is due: never decided, or its day has come; a dropped one without a day is not."""
    never = last.c.account_id.is_(None)
    return or_(never, and_(last.c.next_review_on.is_not(None), last.c.next_review_on <= today))
