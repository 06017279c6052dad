"""Computing gates, kinds and questions for all accounts (or some) in one statement, the same on both databases; by the
clock span by span."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Table,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.spans import AT_ONCE, Whose, everybody, list_spans, turn, within
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run_id
from abm.audit.actions import record
from abm.contacts.models import Contact, FurtherSeat
from abm.orders.models import AccountDay
from abm.plans.gates import (
    BREADWINNER_SHARE,
    CHASE,
    DECIDING_ROLES,
    FEWEST_OF_INDUSTRY,
    GATES,
    MANY_PEOPLE,
    MANY_ROLES,
    QUESTIONS,
    SEVERAL_SITES,
)
from abm.plans.models import Qualification, QualificationAnswer
from core import clock, db
from core.db import is_postgres, refresh_statistics
from core.id_lists import is_among

Column = ColumnElement[Any]
TOLERANCE = 1e-12
COMPUTED = "qualification.compute"


@dataclass(frozen=True)
class Background:
    """What only all accounts together tell: the largest of each industry, and the medians of those who buy."""

    leaders: tuple[int, ...]
    revenue: float | None
    employees: float | None


def qualify_accounts(session: Session, *, account_ids: Sequence[int] | None = None) -> int:
    """Compute anew, of every account or of these; returns how many there are. Rows where nothing differs stay
    untouched, so that lists that ask for them have nothing to do."""
    began, background = clock.now(), _read_background(session)
    if account_ids is not None:
        chosen = tuple(account_ids)
        _qualify(session, lambda column: is_among(column, chosen), background)
        return len(chosen)
    _qualify(session, everybody, background)
    return _note(session, began)


def qualify_accounts_apart(*, at_once: int = AT_ONCE) -> int:
    """As above for every account, a thousand at once in a transaction of their own: nobody who saves or sends waits."""
    began = clock.now()
    with db.reading() as session:
        background, spans = _read_background(session), list_spans(session, size=at_once)
    for span in spans:
        with turn() as session:
            _qualify(session, within(span), background)
    with db.transaction() as session:
        return _note(session, began)


def _note(session: Session, began: datetime) -> int:
    count = session.scalar(select(func.count()).select_from(Qualification)) or 0
    record(session, action=COMPUTED, subject="qualification", after={"accounts": count, "began_at": began.isoformat()})
    refresh_statistics(session, "qualification")
    return count


def _read_background(session: Session) -> Background:
    return Background(tuple(session.scalars(_leaders())), _middle(session, Account.annual_revenue),
                      _middle(session, Account.employees))


def _qualify(session: Session, whose: Whose, background: Background) -> None:
    computed = _select_all(whose, background)
    table = cast(Table, Qualification.__table__)
    names = [column.name for column in computed.selected_columns]
    statement = (postgres_insert if is_postgres(session) else sqlite_insert)(table).from_select(names, computed)
    new = statement.excluded
    differs = or_(*(table.c[name].is_distinct_from(new[name]) for name in names
                    if name not in ("account_id", "computed_at")))
    session.connection().execute(statement.on_conflict_do_update(
        index_elements=["account_id"], set_={name: new[name] for name in names if name != "account_id"},
        where=differs))
    session.expire_all()


def _select_all(whose: Whose, background: Background) -> Select[*tuple[Any, ...]]:
    people, sites, said = _people(whose), _sites(whose), _answers(whose)
    results = AccountResult.__table__
    # The one that stands first in the running share is the largest; ranking all of them again is slow on SQLite.
    is_largest = results.c.cumulative_share <= results.c.share + TOLERANCE
    facts: dict[str, Column] = {
        "orders": func.coalesce(results.c.orders, _orders_since(), 0), "abc": results.c.abc, "share": results.c.share,
        "value_place": case((is_largest, 1)), "people": func.coalesce(people.c.people, 0),
        "roles": func.coalesce(people.c.roles, 0), "deciders": func.coalesce(people.c.deciders, 0),
        "sites": func.coalesce(sites.c.sites, 0),
    }
    by_data = _by_data(facts)
    answers: dict[str, Column] = {name: func.coalesce(said.c[name], by_data[name]) for name in QUESTIONS}
    kind, proposed = _kinds(facts, said.c.kind, background)
    columns: dict[str, Column] = {
        "account_id": Account.__table__.c.id, **answers, "state": _all_of(answers, GATES, "key", "not_key", "open"),
        "gates_passed": _count(answers, GATES), "kind": kind, "kind_proposed": proposed,
        "chase": _all_of(answers, CHASE, "go", "stop", "ask"), **facts, "computed_at": literal(clock.now()),
    }
    query: Select[*tuple[Any, ...]] = select(*(column.label(name) for name, column in columns.items()))
    own = and_(results.c.account_id == Account.id, results.c.run_id == latest_run_id())
    query = query.select_from(Account.__table__).outerjoin(results, own)
    for part in (people, sites, said):
        query = query.outerjoin(part, part.c.account_id == Account.id)
    # SQLite reads ON of ON CONFLICT as a join's where there is no condition
    return query.where(literal(1) == 1, whose(Account.id))


def _orders_since() -> Column:
    """Orders of an account that the latest analysis does not know."""
    own = select(func.sum(AccountDay.orders)).where(AccountDay.account_id == Account.id)
    return own.correlate(Account).scalar_subquery()


def _people(whose: Whose) -> FromClause:
    own = select(Contact.account_id, Contact.buying_role).where(Contact.is_active.is_(True), whose(Contact.account_id))
    guests = select(FurtherSeat.account_id, FurtherSeat.buying_role).join(
        Contact, Contact.id == FurtherSeat.contact_id).where(Contact.is_active.is_(True), whose(FurtherSeat.account_id))
    person = union_all(own, guests).subquery("person").c
    return select(
        person.account_id, func.count().label("people"), func.count(person.buying_role.distinct()).label("roles"),
        func.sum(case((person.buying_role.in_(DECIDING_ROLES), 1), else_=0)).label("deciders"),
    ).group_by(person.account_id).subquery("people")


def _sites(whose: Whose) -> FromClause:
    site = Account.__table__.alias("site").c
    return select(site.parent_id.label("account_id"), func.count().label("sites")).where(
        site.parent_id.is_not(None), whose(site.parent_id)).group_by(site.parent_id).subquery("sites")


def _answers(whose: Whose) -> FromClause:
    own = QualificationAnswer
    columns = [func.max(case((own.question == name, own.answer))).label(name) for name in (*QUESTIONS, "kind")]
    return select(own.account_id, *columns).where(whose(own.account_id)).group_by(own.account_id).subquery("said")


def _leaders() -> Select[Any]:
    """The largest company of each industry that has enough of them with a known size."""
    own = Account.__table__.alias("peer").c
    size = func.coalesce(own.annual_revenue, own.employees)
    placed = select(
        own.id.label("account_id"), func.count().over(partition_by=own.industry).label("peers"),
        func.row_number().over(partition_by=own.industry, order_by=(size.desc(), own.id)).label("place"),
    ).where(own.industry.is_not(None), size.is_not(None)).subquery("placed")
    return select(placed.c.account_id).where(placed.c.place == 1, placed.c.peers >= FEWEST_OF_INDUSTRY)


def _by_data(facts: dict[str, Column]) -> dict[str, Column]:
    signs: Column = literal(0)
    for name, least in (("people", MANY_PEOPLE), ("roles", MANY_ROLES), ("sites", SEVERAL_SITES)):
        signs = signs + case((facts[name] >= least, 1), else_=0)
    has_ordered = case((facts["orders"] > 0, "yes"), else_="ask")
    return {
        "potential": case((facts["abc"] == "A", "yes"), (facts["abc"] == "C", "no"), else_="ask"),
        "complexity": case((signs >= 2, "yes"), else_="ask"),
        "partnership": literal("ask"), "need": has_ordered, "solvency": has_ordered,
        "authority": case((facts["deciders"] > 0, "yes"), else_="ask"),
    }


def _all_of(answers: dict[str, Column], names: dict[str, str], every: str, no: str, some: str) -> Column:
    return case((or_(*(answers[name] == "no" for name in names)), no),
                (and_(*(answers[name] == "yes" for name in names)), every), else_=some)


def _count(answers: dict[str, Column], names: dict[str, str]) -> Column:
    total: Column = literal(0)
    for name in names:
        total = total + case((answers[name] == "yes", 1), else_=0)
    return total


def _kinds(facts: dict[str, Column], said: Column, background: Background) -> tuple[Column, Column]:
    """(the kind that holds, the one that is proposed where none does)."""
    is_breadwinner = or_(facts["share"] >= BREADWINNER_SHARE, facts["value_place"] == 1)
    kind = func.coalesce(said, case((is_breadwinner, "breadwinner")))
    large = [column >= middle for column, middle in (
        (Account.annual_revenue, background.revenue), (Account.employees, background.employees)) if middle is not None]
    is_prospect = and_(facts["orders"] == 0, or_(*large)) if large else literal(1) == 0
    proposed = case((kind.is_not(None), None), (is_prospect, "prospect"),
                    (is_among(Account.id, background.leaders), "image_maker"))
    return kind, proposed


def _middle(session: Session, column: Any) -> float | None:
    """The median of those who buy (the lower one of two); None where it is not known of anybody."""
    buyers: ScalarSelect[int] = latest_run_id()
    known = select(column).join(AccountResult, and_(AccountResult.account_id == Account.id,
                                                    AccountResult.run_id == buyers)).where(column.is_not(None))
    count = session.scalar(select(func.count()).select_from(known.subquery())) or 0
    return session.scalar(known.order_by(column).offset((count - 1) // 2).limit(1)) if count else None
