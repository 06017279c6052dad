"""Places of people who left that nobody has taken, for the campaign's page and the person's."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.contacts.names import full_name
from campaigns.successors import list_empty_places
from core import clock
from core.id_lists import is_among


@dataclass(frozen=True, slots=True)
class EmptyPlace:
    """`until`: how long a successor is looked for; None where that time is over."""

    contact_id: int
    name: str
    account: str
    role: str
    until: datetime | None

    @property
    def sentence(self) -> str:
        """Whom the place needs."""
        whom = f"no other {self.role.replace('_', ' ')}" if self.role else "nobody else of the campaign's roles"
        return f"Nobody took their place: {whom} of {self.account} is known who has not been here."


def find_empty_place(session: Session, campaign_id: int, contact_id: int) -> EmptyPlace | None:
    """The one that this person left."""
    return next(iter(find_empty_places(session, campaign_id, contact_id)), None)


def find_empty_places(session: Session, campaign_id: int, contact_id: int | None = None) -> list[EmptyPlace]:
    """Those of the campaign's active runs that replace leavers, by account; or this person's alone."""
    found = {one: (role, until) for one, role, until in list_empty_places(session, campaign_id, contact_id)}
    rows = session.execute(
        select(Contact.id, Contact.first_name, Contact.last_name, Contact.email, Account.name.label("account"))
        .join(Account, Account.id == Contact.account_id).where(is_among(Contact.id, list(found)))
        .order_by(Account.name_key, Contact.id))
    now = clock.now()
    return [EmptyPlace(row.id, full_name(row.first_name, row.last_name) or row.email or "somebody",
                       row.account, found[row.id][0], found[row.id][1] if found[row.id][1] > now else None)
            for row in rows]
