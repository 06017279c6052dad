"""How long consent holds. Pure.

Express consent holds until it is withdrawn. Implied consent (Canada's anti-spam law, S.C. 2010 c. 23, s. 10(10)) holds
for 2 years from a purchase and for 6 months from an inquiry; its last day is the same day of the month, or the last one
of a shorter month. From the day after nobody is written to on it. Consent of which no kind is known is express.
"""

from calendar import monthrange
from datetime import date, timedelta

EXPRESS, IMPLIED_PURCHASE, IMPLIED_INQUIRY = "express", "implied_purchase", "implied_inquiry"
KINDS = (EXPRESS, IMPLIED_PURCHASE, IMPLIED_INQUIRY)
MONTHS = {IMPLIED_PURCHASE: 24, IMPLIED_INQUIRY: 6}


def is_implied(kind: str | None) -> bool:
    return kind in MONTHS


def last_day(kind: str | None, given_on: date | None) -> date | None:
    """The last day on which this consent allows a message; None where it does not end. Implied consent of which no day
    is known has ended long ago."""
    if kind not in MONTHS:
        return None
    return date.min if given_on is None else add_months(given_on, MONTHS[kind])


def first_day_in_force(kind: str, on: date) -> date:
    """Implied consent given on or after this day is in force on the day `on`: what SQL compares with."""
    earliest = add_months(on, -MONTHS[kind]) - timedelta(days=4)
    return next(day for day in (earliest + timedelta(days=ahead) for ahead in range(9))
                if add_months(day, MONTHS[kind]) >= on)


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last one of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
