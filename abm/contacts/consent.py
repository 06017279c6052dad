"""Whether a person's lawful basis is in force on a day, in SQL and for one person (see campaigns.consent_expiry)."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from abm.contacts.models import Contact
from campaigns.consent_expiry import EXPRESS, IMPLIED_INQUIRY, IMPLIED_PURCHASE, first_day_in_force, last_day

KIND_WORDS = {EXPRESS: "Express: asked and said yes", IMPLIED_PURCHASE: "Implied by a purchase: ends after 2 years",
              IMPLIED_INQUIRY: "Implied by an inquiry: ends after 6 months"}


def basis_in_force(on: date, *, of: Any = Contact) -> ColumnElement[bool]:
    """A lawful basis other than none that has not expired by this day. `of`: the columns, where not the table's own."""
    implied = (and_(of.consent_kind == kind, of.basis_at >= _start_of(first_day_in_force(kind, on)))
               for kind in (IMPLIED_PURCHASE, IMPLIED_INQUIRY))
    return and_(of.lawful_basis != "none",
                or_(of.lawful_basis != "consent", of.consent_kind.is_(None), of.consent_kind == EXPRESS, *implied))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def consent_ends_on(contact: Contact) -> date | None:
    """The last day of this person's consent; None where it does not end (or the basis is another one)."""
    if contact.lawful_basis != "consent":
        return None
    return last_day(contact.consent_kind, basis_day(contact.basis_at))


def basis_day(at: datetime | None) -> date | None:
    """The day of a basis: that of its moment in UTC, which is how files and forms give it."""
    return at.astimezone(UTC).date() if at else None
