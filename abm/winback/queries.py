"""Reading cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from abm.accounts.models import Account, AccountEvent
from abm.audit.models import AuditDetail, AuditEntry
from abm.offers.models import Offer
from abm.orders.models import AccountDay, Order
from abm.users.models import User
from abm.winback.models import Case
from core.errors import NotFound

CASE_LINK = "/win-back/cases/"
PAGE = 50
STATES = ("open", "offered", "won_back", "let_go")
OPEN_STATES = ("open", "offered")
_IS_LOOK = (AuditEntry.subject == "winback", AuditEntry.action == "winback.detect")


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed to; empty values narrow nothing. state `unclosed`: open and offered."""

    state: str = "unclosed"
    owner_id: int | None = None
    cause: str = ""
    industry: str = ""
    country: str = ""
    text: str = ""
    offset: int = 0
    sort: str = "value"


_SORTS: dict[str, Any] = {
    "value": Case.yearly_value.desc(), "overdue": Case.overdue_ratio.desc(), "last": Case.last_order_on.desc(),
    "account": Account.name_key,
}


def get_case(session: Session, case_id: int) -> Case:
    case = session.get(Case, case_id, options=[joinedload(Case.account), joinedload(Case.owner)])
    if case is None:
        raise NotFound("There is no such win-back case")
    return case


def find_open_case(session: Session, account_id: int) -> Case | None:
    return session.scalar(select(Case).where(Case.account_id == account_id, Case.closed_at.is_(None)))


def list_account_cases(session: Session, account_id: int) -> list[Case]:
    """Every case of an account, the latest first."""
    return list(session.scalars(select(Case).where(Case.account_id == account_id).order_by(Case.id.desc())))


def list_cases(session: Session, chosen: CaseFilter) -> list[Case]:
    """A page of cases with their account and owner, sorted as asked."""
    query = (select(Case).join(Account, Account.id == Case.account_id).where(*_conditions(chosen))
             .options(contains_eager(Case.account), joinedload(Case.owner))
             .order_by(_SORTS.get(chosen.sort, _SORTS["value"]), Case.id).offset(chosen.offset).limit(PAGE))
    return list(session.scalars(query))


def count_cases(session: Session, chosen: CaseFilter) -> tuple[int, float]:
    """How many cases match, and what their accounts were worth in their last year."""
    query = (select(func.count(), func.coalesce(func.sum(Case.yearly_value), 0.0)).select_from(Case)
             .join(Account, Account.id == Case.account_id).where(*_conditions(chosen)))
    number, value = session.execute(query).one()
    return number, value


def _conditions(chosen: CaseFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.state == "unclosed":
        conditions.append(Case.closed_at.is_(None))
    elif chosen.state in STATES:
        conditions.append(Case.state == chosen.state)
    if chosen.owner_id is not None:
        conditions.append(Case.owner_id == chosen.owner_id)
    if chosen.cause:
        conditions.append(Case.cause.is_(None) if chosen.cause == "unknown" else Case.cause == chosen.cause)
    if chosen.industry:
        conditions.append(Account.industry == chosen.industry)
    if chosen.country:
        conditions.append(Account.country == chosen.country)
    if chosen.text:
        conditions.append(Account.name.icontains(chosen.text, autoescape=True))
    return conditions


EXPORT_COLUMNS = ("case_id", "account_id", "account", "state", "last_order_on", "median_gap_days", "overdue_ratio",
                  "yearly_value", "cause", "cause_note", "owner", "owner_email", "offer", "as_of", "detected_at",
                  "closed_at", "won_order_id")


def export_cases(session: Session, chosen: CaseFilter | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
    """Every matching case as a row of EXPORT_COLUMNS, the dearest first; all cases when nothing is chosen."""
    query = (
        select(Case.id, Account.external_id, Account.name, Case.state, Case.last_order_on, Case.median_gap_days,
               Case.overdue_ratio, Case.yearly_value, Case.cause, Case.cause_note, User.name, User.email, Offer.name,
               Case.as_of, Case.detected_at, Case.closed_at, Order.external_id)
        .select_from(Case)
        .join(Account, Account.id == Case.account_id)
        .outerjoin(User, User.id == Case.owner_id)
        .outerjoin(Offer, Offer.id == Case.offer_id)
        .outerjoin(Order, Order.id == Case.won_order_id)
        .where(*_conditions(chosen or CaseFilter(state="")))
        .order_by(Case.yearly_value.desc(), Case.id)
    )
    return session.execute(query).all()


def list_log(session: Session, case_id: int) -> list[AccountEvent]:
    """What happened to the case, the latest first."""
    return list(session.scalars(select(AccountEvent).where(AccountEvent.link == f"{CASE_LINK}{case_id}")
                                .order_by(AccountEvent.at.desc(), AccountEvent.id.desc())))


def list_order_days(session: Session, account_id: int) -> list[date]:
    return list(session.scalars(select(AccountDay.day).where(AccountDay.account_id == account_id)
                                .order_by(AccountDay.day)))


def list_case_facets(session: Session) -> dict[str, list[str]]:
    """The industries and countries that cases have, for filters."""
    def values(column: Any) -> list[str]:
        return list(session.scalars(select(column).distinct().join(Case, Case.account_id == Account.id)
                                    .where(column.is_not(None)).order_by(column)))

    return {"industry": values(Account.industry), "country": values(Account.country)}


def count_attention(session: Session, _user_id: int) -> int:
    """Open cases for which nobody has found the cause or chosen an offer yet."""
    return session.scalar(select(func.count()).select_from(Case)
                          .where(Case.closed_at.is_(None), Case.state == "open")) or 0


def count_looked_at(session: Session, *, at_most: int) -> int:
    """How many accounts have orders, counted up to `at_most`."""
    some = select(AccountDay.account_id).distinct().limit(at_most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def latest_look_id(session: Session) -> int:
    """The audit entry of the latest look for lapsed accounts; 0 before the first."""
    return session.scalar(select(func.max(AuditEntry.id)).where(*_IS_LOOK)) or 0


def find_look_after(session: Session, entry_id: int) -> dict[str, Any] | None:
    """What a look later than that entry found, as it was recorded; None while there is none."""
    return session.scalar(
        select(AuditDetail.after).join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
        .where(AuditEntry.id > entry_id, *_IS_LOOK).order_by(AuditEntry.id.desc()).limit(1))
