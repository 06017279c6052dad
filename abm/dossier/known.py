"""Until when orders are known: silence, twelve months and white space are measured from that day."""

from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.orders.models import Order

SILENT = timedelta(days=30)


def orders_known_until(session: Session, *, today: date) -> date:
    """Today. Where nobody at all has ordered for more than 30 days, no orders came in any more and an account's silence
    says nothing about it: then the day of the company's last order."""
    last = session.scalar(select(func.max(Order.ordered_on)).where(Order.ordered_on <= today))
    return last if last is not None and last < today - SILENT else today
