"""What a campaign cost: its touches, channel by channel, and what was taken up of the offers that it made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from campaigns.models import Delivery, Touch
from campaigns.outside import RedeemedOffer, outside
from campaigns.states import AWAITED
from campaigns.tally import SENT, Tally, is_made, of_campaign
from core.db import MONEY_SCALE


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the touches of one channel cost: `flat` of them at the channel's `price`, `measured` at what their time (or
    the visit with its expenses) came to. `idle`: handed over, and not made by anybody, which costs nothing."""

    channel: str
    flat: int
    price: Decimal
    measured: int
    seconds: int
    measured_cost: Decimal
    idle: int

    @property
    def total(self) -> Decimal:
        return self.flat * self.price + self.measured_cost


@dataclass(frozen=True, slots=True)
class Costs:
    """In the company's currency: `lines` of what was made, and `offers` that were redeemed."""

    lines: Sequence[CostLine]
    offers: Sequence[RedeemedOffer]

    @property
    def total(self) -> Decimal:
        made = sum((line.total for line in self.lines), Decimal(0))
        return made + sum((offer.total for offer in self.offers), Decimal(0))


def read_costs(session: Session, tally: Tally) -> Costs:
    return Costs(list_cost_lines(session, tally), outside().offers.redeemed(session, tally.campaign_id))


def cost_of_sent(session: Session, tally: Tally) -> Decimal:
    """What the campaign cost so far."""
    return read_costs(session, tally).total


def cost_of_touch() -> ColumnElement[int]:
    """Of a Touch outer-joined with its Delivery, in ten-thousandths: nothing where nobody made it (a call placed and
    not done, a letter not posted), but the time of its tries. What was logged by hand was made."""
    was_tried = and_(Delivery.state.in_(SENT), Touch.seconds.is_not(None))
    return case((or_(Delivery.id.is_(None), is_made(), was_tried), Touch.cost_amount), else_=0)


def list_cost_lines(session: Session, tally: Tally) -> list[CostLine]:
    """By channel what was made cost: its time where it was measured, visits with their expenses, else today's price of
    the channel. What waits for a seller or for the post, or was never done, costs nothing but the time of its tries."""
    prices = outside().company.policy(session).channel_costs
    handed: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for line in tally.sent():
        handed[line.channel] += line.messages
        made[line.channel] += line.messages if line.is_made else 0
    measured = _list_measured(session, tally.campaign_id) if handed.keys() & set(AWAITED) else {}
    return [_cost_line(channel, count, made[channel], _price(prices, channel), measured.get(channel, _NOT_MEASURED))
            for channel, count in sorted(handed.items())]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Messages whose time or expenses are known: those that were made, and tries alone; and what both came to."""

    made: int = 0
    tried: int = 0
    seconds: int = 0
    cost: Decimal = Decimal(0)


_NOT_MEASURED = _Measured()


def _cost_line(channel: str, handed: int, made: int, price: Decimal, measured: _Measured) -> CostLine:
    return CostLine(channel, made - measured.made, price, measured.made + measured.tried, measured.seconds,
                    measured.cost, handed - made - measured.tried)


def _list_measured(session: Session, campaign_id: int) -> dict[str, _Measured]:
    """By channel."""
    is_done = case((is_made(), Delivery.id))
    rows = session.execute(
        select(Delivery.channel, func.count(Delivery.id.distinct()), func.count(is_done.distinct()),
               func.sum(Touch.seconds), func.sum(Touch.cost_amount))
        .join(Touch, Touch.delivery_id == Delivery.id)
        .where(*of_campaign(campaign_id), Delivery.state.in_(SENT),
               or_(Touch.seconds.is_not(None), and_(Touch.channel == "visit", is_made())))
        .group_by(Delivery.channel))
    return {channel: _Measured(made, count - made, int(seconds or 0), Decimal(int(cost or 0)) / MONEY_SCALE)
            for channel, count, made, seconds, cost in rows}


def _price(costs: Mapping[str, str], channel: str) -> Decimal:
    return Decimal(str(costs.get(channel, 0)))
