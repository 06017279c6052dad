"""What a campaign brought, account by account, and what each contact, response and win cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, Subquery, and_, case, cast, func, literal, null, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import Order
from campaigns.costs import Costs, read_costs
from campaigns.models import Delivery, Enrolment, Event, Run
from campaigns.states import Reason, states_of
from campaigns.tally import Tally, count_people_reached, of_campaign, reach_messages

PAGE = 50
COLUMNS = ("account_id", "account", "planned", "sent", "left_out", "failed", "in_doubt", "waiting", "clicked",
           "replied", "orders", "order_value")
_BOOKS = ("sent", "suppressed", "failed", "unknown", "queued")


def list_account_results(session: Session, campaign_id: int, *, offset: int = 0) -> Sequence[Any]:
    """Rows named as COLUMNS with the account's own `id`; who answered and ordered most comes first."""
    return session.execute(_results(session, campaign_id).offset(offset).limit(PAGE + 1)).all()


def stream_account_results(session: Session, campaign_id: int) -> Iterator[list[Any]]:
    for row in session.execute(_results(session, campaign_id).execution_options(yield_per=1_000)):
        yield [getattr(row, column) for column in COLUMNS]


def _results(session: Session, campaign_id: int) -> Select[Any]:
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    books = (
        select(Delivery.account_id, func.count().label("planned"),
               *(func.count(case((Delivery.state.in_(states_of(book)), 1))).label(book) for book in _BOOKS))
        .where(*reach_messages(session, campaign_id)).group_by(Delivery.account_id).subquery())
    events, orders = _events(runs), _orders(session, campaign_id)
    replied, ordered = func.coalesce(events.c.replied, 0), func.coalesce(orders.c.orders, 0)
    return (
        select(Account.id, Account.external_id.label("account_id"), Account.name.label("account"), books.c.planned,
               books.c.sent, books.c.suppressed.label("left_out"), books.c.failed, books.c.unknown.label("in_doubt"),
               books.c.queued.label("waiting"), func.coalesce(events.c.clicked, 0).label("clicked"),
               replied.label("replied"), ordered.label("orders"),
               func.coalesce(orders.c.order_value, 0).label("order_value"))
        .select_from(books).join(Account, Account.id == books.c.account_id)
        .outerjoin(events, events.c.account_id == books.c.account_id)
        .outerjoin(orders, orders.c.account_id == books.c.account_id)
        .order_by(ordered.desc(), replied.desc(), books.c.sent.desc(), Account.id))


def _events(runs: Select[Any]) -> Subquery:
    """People who answered or followed a link themselves; what machines did is left out."""
    def people(kind: str) -> ColumnElement[Any]:
        return func.count(case((Event.kind == kind, Event.contact_id)).distinct())

    return (
        select(Delivery.account_id, people("reply").label("replied"), people("click").label("clicked"))
        .join(Event, Event.delivery_id == Delivery.id)
        .where(Delivery.run_id.in_(runs), Event.is_machine.is_(False)).group_by(Delivery.account_id).subquery())


def _orders(session: Session, campaign_id: int) -> Subquery:
    """Counted orders of the accounts that take part (held-out ones do not), each since the (UTC) day of its own first
    launch: the same ones as the campaign's books count."""
    launched = session.execute(select(Run.id, Run.launched_at).where(Run.campaign_id == campaign_id)).all()
    since = (
        select(Enrolment.account_id, func.min(Enrolment.run_id).label("run_id"))
        .where(Enrolment.run_id.in_([row.id for row in launched]),
               func.coalesce(Enrolment.end_reason, "") != Reason.HELD_OUT.value)
        .group_by(Enrolment.account_id).subquery())
    days = {row.id: literal(row.launched_at.date()) for row in launched}
    first_day: ColumnElement[Any] = case(days, value=since.c.run_id) if days else cast(null(), Date())
    counted = and_(Order.ordered_on >= first_day, Order.is_cancelled.is_(False), Order.amount > 0)
    return (
        select(Order.account_id, func.count().label("orders"), func.sum(Order.amount).label("order_value"))
        .join(since, since.c.account_id == Order.account_id).where(counted).group_by(Order.account_id).subquery())


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Cost in the company's currency with what it is made of, and what it comes to for each; None where nothing was
    reached."""

    made_of: Costs
    reached: int
    responded: int
    won: int

    @property
    def cost(self) -> Decimal:
        return self.made_of.total

    @property
    def is_unpriced(self) -> bool:
        """Whether something was done and nobody said what it costs."""
        return not self.cost and any(line.flat + line.measured for line in self.made_of.lines)

    @property
    def unpriced(self) -> list[str]:
        """Channels that were used and have no price."""
        return [line.channel for line in self.made_of.lines if line.flat and not line.price]

    def per(self, count: int) -> Decimal | None:
        return self.cost / count if count else None


def get_unit_costs(session: Session, tally: Tally, *, orders: int,
                   costs: Costs | None = None) -> UnitCosts:
    """`reached`: people who got at least one message or were talked to; `responded`: people who replied; `won`: orders
    since launch. `costs`: where they are known."""
    responded = session.scalar(
        select(func.count(Event.contact_id.distinct())).join(Delivery, Delivery.id == Event.delivery_id)
        .where(*of_campaign(tally.campaign_id), Event.kind == "reply", Event.is_machine.is_(False))) or 0
    return UnitCosts(costs or read_costs(session, tally), count_people_reached(session, tally), responded, orders)
