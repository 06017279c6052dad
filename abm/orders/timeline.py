"""Orders on the account's timeline, read where they are kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.timeline import Line, TimelineFilter, register_timeline
from abm.orders.models import Order

KIND = "order"


def read_orders(session: Session, account_id: int, chosen: TimelineFilter, limit: int) -> Sequence[Line]:
    """The newest orders that fit, cancelled ones too; nobody of us made them, and no person is known."""
    if chosen.actor or chosen.contact_id is not None:
        return []
    own = Order.__table__.c
    query = select(Order).where(own.account_id == account_id, *chosen.within_days(own.ordered_on, own.id, KIND))
    orders = session.scalars(query.order_by(Order.ordered_on.desc(), Order.id.desc()).limit(limit)).all()
    return [_line(order) for order in orders]


def _line(order: Order) -> Line:
    status = f", {order.status}" if order.status else ", cancelled" if order.is_cancelled else ""
    return Line(datetime.combine(order.ordered_on, time.min, UTC), KIND, id=order.id, source=KIND, is_day=True,
                title=f"{order.external_id}: {order.amount:,.2f} {order.currency}{status}",
                link=f"/orders/{order.id}")


def add_timeline() -> None:
    """Put orders among the lines."""
    register_timeline(KIND, read_orders)
