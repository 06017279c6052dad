"""From lead to customer: which source or campaign brought which accounts, and what became of them. Set-based: each fact
is summed by account once, then by source or campaign."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.dossier.models import SourceCost, SourceFigures, Tender
from abm.dossier.sources import Figures, is_large, keep_figures
from abm.engagement.models import EngagementEntry
from abm.orders.models import AccountDay
from abm.outreach.moment_days import day_of_moment
from campaigns.costs import cost_of_touch
from campaigns.models import Campaign, Delivery, Run, Touch
from campaigns.states import states_of
from core.db import MONEY_SCALE

NOT_KNOWN = "not known"
BY = ("source", "campaign")
STAGES = {"customer": "Customer", "opportunity": "Opportunity", "engaged": "Engaged", "answered": "Answered",
          "contacted": "Contacted", "lead": "Lead"}
_MOST = 300
_ENGAGED_PEOPLE = 2
_ANSWERS = ("reply", "click", "call", "visit")
_MEETINGS = ("visit",)
_SENT = states_of("sent")


@dataclass(frozen=True, slots=True)
class Path:
    """What one source or campaign brought. `contacted` to `customers` are accounts; `new_customers` ordered for the
    first time after they came; `spent` is what was paid for the source itself."""

    name: str
    key: str
    accounts: int
    people: int
    contacted: int
    answered: int
    engaged: int
    opportunities: int
    customers: int
    new_customers: int
    revenue: Decimal
    touch_cost: Decimal
    spent: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return self.touch_cost + self.spent

    @property
    def per_customer(self) -> Decimal | None:
        return self.cost / self.customers if self.customers else None

    @property
    def per_new_customer(self) -> Decimal | None:
        return self.cost / self.new_customers if self.new_customers else None


def list_paths(session: Session, *, by: str = "source", since: datetime | None = None) -> list[Path]:
    """The sources or campaigns with what they brought, the greatest revenue first. `since`: only accounts that came,
    or were first written to, from then on."""
    facts = _came_by_campaign(session, since) if by == "campaign" else _came_by_source(session, since)
    one = facts.c
    revenue = func.coalesce(func.sum(one.revenue), 0)
    rows = session.execute(
        select(one.name, one.key, func.count(), func.sum(one.people), _many(one.touches > 0), _many(one.answered > 0),
               _many(one.answered >= _ENGAGED_PEOPLE), _many(one.opportunities > 0), _many(one.orders > 0),
               _many(and_(one.orders > 0, one.is_new == 1)), revenue, func.sum(one.cost))
        .group_by(one.name, one.key).order_by(revenue.desc(), func.count().desc(), one.name).limit(_MOST)).all()
    spent = _spent(session, since) if by == "source" else {}
    found = [_read(row, spent.pop(str(row[0]), Decimal(0))) for row in rows]
    return found + [_read((name, name, *[0] * 10), amount) for name, amount in spent.items()]


def kept_paths(session: Session, *, by: str) -> tuple[list[Path], datetime | None]:
    """All of `list_paths` at once: counted now while people are few; of a large company as the job counted it, with
    the moment it did."""
    kept = session.get(SourceFigures, f"leads-{by}")
    if kept is None or not is_large(session):
        return list_paths(session, by=by), None
    amounts = ("revenue", "touch_cost", "spent")
    return [Path(**{**row, **{name: Decimal(row[name]) for name in amounts}}) for row in kept.content], kept.made_at


def count_paths(session: Session) -> None:
    """Keep both tables for the page."""
    keep_figures(session, read_paths(session))


def read_paths(session: Session) -> Figures:
    """Both tables as they are kept; only reads, which takes seconds in a large company."""
    return {f"leads-{by}": [{**asdict(one), "revenue": str(one.revenue), "touch_cost": str(one.touch_cost),
                             "spent": str(one.spent)} for one in list_paths(session, by=by)] for by in BY}


def _read(row: Sequence[Any], spent: Decimal) -> Path:
    name, key, *counts = row[:10]
    accounts, people, contacted, answered, engaged, opportunities, customers, new = (int(one or 0) for one in counts)
    return Path(str(name), str(key), accounts, people, contacted, answered, engaged, opportunities, customers, new,
                _money(row[10]), _money(row[11]), spent)


def _many(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _money(scaled: Any) -> Decimal:
    return Decimal(int(scaled or 0)) / MONEY_SCALE


def _spent(session: Session, since: datetime | None) -> dict[str, Decimal]:
    query = select(SourceCost.source, func.sum(SourceCost.amount)).group_by(SourceCost.source)
    if since is not None:
        query = query.where(SourceCost.spent_on >= since.date())
    return {source: amount for source, amount in session.execute(query)}


def _by_account(column: Any, *values: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> CTE:
    query: Select[Any] = select(column.label("account_id"), *values).group_by(column)
    return (query if where is None else query.where(where)).cte()


def _came_by_source(session: Session, since: datetime | None) -> CTE:
    """Per account: its source, and everything that came of it."""
    people = _by_account(Contact.account_id, func.count().label("people"), where=Contact.is_active.is_(True))
    answers = _by_account(EngagementEntry.account_id, *_answers(),
                          where=EngagementEntry.kind.in_(_ANSWERS))
    orders = _by_account(AccountDay.account_id, func.sum(AccountDay.orders).label("orders"),
                         func.sum(type_coerce(AccountDay.amount, BigInteger)).label("revenue"),
                         func.min(AccountDay.day).label("first_on"))
    touches = (select(Touch.account_id, func.count().label("touches"), func.sum(cost_of_touch()).label("cost"))
               .outerjoin(Delivery, Delivery.id == Touch.delivery_id).group_by(Touch.account_id).cte())
    tenders = _by_account(Tender.account_id, func.count().label("tenders"))
    name = func.coalesce(Account.source, NOT_KNOWN)
    query = select(
        Account.id.label("account_id"), name.label("name"), name.label("key"),
        func.coalesce(people.c.people, 0).label("people"), func.coalesce(touches.c.touches, 0).label("touches"),
        func.coalesce(answers.c.answered, 0).label("answered"),
        (func.coalesce(tenders.c.tenders, 0) + func.coalesce(answers.c.meetings, 0)).label("opportunities"),
        func.coalesce(orders.c.orders, 0).label("orders"), func.coalesce(orders.c.revenue, 0).label("revenue"),
        orders.c.first_on.label("first_on"), func.coalesce(touches.c.cost, 0).label("cost"),
        case((orders.c.first_on >= day_of_moment(session, Account.created_at), 1), else_=0).label("is_new"),
    ).select_from(Account)
    for fact in (people, answers, orders, touches, tenders):
        query = query.outerjoin(fact, fact.c.account_id == Account.id)
    if since is not None:
        query = query.where(Account.created_at >= since)
    return query.cte("came")


def _answers() -> tuple[ColumnElement[Any], ...]:
    """People who answered; a call or visit that names nobody is one of them."""
    who = func.count(func.coalesce(EngagementEntry.contact_id, literal(-1)).distinct())
    met = func.coalesce(func.sum(case((EngagementEntry.kind.in_(_MEETINGS), 1), else_=0)), 0)
    return who.label("answered"), met.label("meetings")


def _came_by_campaign(session: Session, since: datetime | None) -> CTE:
    """Per campaign and account written to: what came of it from the first message on. An account that several
    campaigns wrote to stands under each."""
    first = (select(Run.campaign_id, Delivery.account_id, func.min(Delivery.sent_at).label("at"),
                    func.count(Delivery.contact_id.distinct()).label("people"))
             .join(Run, Run.id == Delivery.run_id)
             .where(Delivery.state.in_(_SENT), Delivery.sent_at.is_not(None))
             .group_by(Run.campaign_id, Delivery.account_id).cte("first_sent"))
    began = day_of_moment(session, first.c.at)
    both = (first.c.campaign_id, first.c.account_id)
    answers = (select(*both, *_answers()).select_from(first).join(EngagementEntry, and_(
        EngagementEntry.account_id == first.c.account_id, EngagementEntry.at >= first.c.at,
        EngagementEntry.kind.in_(_ANSWERS))).group_by(*both).cte("answers"))
    orders = (select(*both, func.sum(AccountDay.orders).label("orders"),
                     func.sum(type_coerce(AccountDay.amount, BigInteger)).label("revenue"),
                     func.min(AccountDay.day).label("first_on")).select_from(first)
              .join(AccountDay, and_(AccountDay.account_id == first.c.account_id, AccountDay.day >= began))
              .group_by(*both).cte("ordered"))
    touches = (select(Run.campaign_id, Touch.account_id, func.count().label("touches"),
                      func.sum(cost_of_touch()).label("cost"))
               .join(Delivery, Delivery.id == Touch.delivery_id).join(Run, Run.id == Delivery.run_id)
               .group_by(Run.campaign_id, Touch.account_id).cte("touched"))
    tenders = (select(*both, func.count().label("tenders")).select_from(first)
               .join(Tender, and_(Tender.account_id == first.c.account_id, or_(
                   Tender.opened_on >= began, and_(Tender.opened_on.is_(None), Tender.created_at >= first.c.at))))
               .group_by(*both).cte("tenders"))
    ever = _by_account(AccountDay.account_id, func.min(AccountDay.day).label("first_on"))
    query = select(
        first.c.account_id, Campaign.title.label("name"), cast(Campaign.id, BigInteger).label("key"), first.c.people,
        func.coalesce(touches.c.touches, 1).label("touches"), func.coalesce(answers.c.answered, 0).label("answered"),
        (func.coalesce(tenders.c.tenders, 0) + func.coalesce(answers.c.meetings, 0)).label("opportunities"),
        func.coalesce(orders.c.orders, 0).label("orders"), func.coalesce(orders.c.revenue, 0).label("revenue"),
        orders.c.first_on, func.coalesce(touches.c.cost, 0).label("cost"),
        case((ever.c.first_on >= began, 1), else_=0).label("is_new"),
    ).select_from(first).join(Campaign, Campaign.id == first.c.campaign_id)
    for fact in (answers, orders, touches, tenders):
        query = query.outerjoin(fact, and_(fact.c.campaign_id == first.c.campaign_id,
                                           fact.c.account_id == first.c.account_id))
    query = query.outerjoin(ever, ever.c.account_id == first.c.account_id)
    if since is not None:
        query = query.where(first.c.at >= since)
    return query.cte("came")


PROSPECT_COLUMNS = ("account_id", "account", "source", "came_on", "stage", "people", "answered_people", "touches",
                    "cost", "opportunities", "first_order_on", "orders", "revenue")


def select_prospects(*, source: str = "", stage: str = "") -> Select[Any]:
    """Every account with its source and what became of it: the account, then PROSPECT_COLUMNS from `stage` on. Facts
    are asked per account, so that a page of many costs what its fifty rows cost."""

    def of_each(column: Any, value: ColumnElement[Any], *where: ColumnElement[bool]) -> ColumnElement[Any]:
        return select(value).where(column == Account.id, *where).correlate(Account).scalar_subquery()

    answered, met = (of_each(EngagementEntry.account_id, one, EngagementEntry.kind.in_(_ANSWERS)) for one in _answers())
    orders = func.coalesce(of_each(AccountDay.account_id, func.sum(AccountDay.orders)), 0)
    touches = of_each(Touch.account_id, func.count())
    cost = (select(func.sum(cost_of_touch())).select_from(Touch)
            .outerjoin(Delivery, Delivery.id == Touch.delivery_id)
            .where(Touch.account_id == Account.id).correlate(Account).scalar_subquery())
    opportunities = of_each(Tender.account_id, func.count()) + met
    reached = case(
        (orders > 0, "customer"), (opportunities > 0, "opportunity"), (answered >= _ENGAGED_PEOPLE, "engaged"),
        (answered > 0, "answered"), (touches > 0, "contacted"), else_="lead")
    query = select(
        Account, reached.label("stage"), of_each(Contact.account_id, func.count(), Contact.is_active.is_(True)),
        answered, touches, cost, opportunities,
        of_each(AccountDay.account_id, func.min(AccountDay.day)), orders,
        of_each(AccountDay.account_id, func.sum(type_coerce(AccountDay.amount, BigInteger)))).select_from(Account)
    if source:
        query = query.where(Account.source.is_(null()) if source == NOT_KNOWN else Account.source == source)
    return query.where(reached == stage) if stage else query


def read_prospect(row: Any) -> Sequence[Any]:
    """A row of `select_prospects` as PROSPECT_COLUMNS."""
    account, stage, people, answered, touches, cost, opportunities, first_on, orders, revenue = row[:10]
    return (account.external_id, account.name, account.source, account.created_at, stage, people, answered, touches,
            _money(cost), opportunities, first_on, orders, _money(revenue))
