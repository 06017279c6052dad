"""Reading the buying centre of an account: its people, their guests from other accounts, and who of us knows whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.contacts.buying_centre import Seat, completeness, role_word, seats
from abm.contacts.centre_map import Branch, Part, branches, stale, threads
from abm.contacts.models import Acquaintance, Contact, FurtherSeat
from abm.contacts.names import full_name
from abm.contacts.queries import LAST_NAME
from abm.users.models import User

_MOST = 300


@dataclass(frozen=True)
class Tie:
    """Somebody of us who knows the person."""

    user_id: int
    name: str
    strength: int
    since: date | None

    @property
    def initials(self) -> str:
        return "".join(word[:1] for word in self.name.split()[:2]).upper()


@dataclass(frozen=True)
class Person:
    """A person with the part played at this account; `home` is the own account of a guest."""

    contact: Contact
    role: str | None
    title: str | None
    ties: Sequence[Tie]
    home: Account | None = None

    @property
    def name(self) -> str:
        return name_of(self.contact)

    @property
    def role_word(self) -> str:
        return role_word(self.role)

    @property
    def confirmed_at(self) -> datetime:
        return self.contact.confirmed_at or self.contact.created_at


@dataclass(frozen=True)
class Centre:
    """`people` by id are those still there; `left` those who are not."""

    people: Mapping[int, Person]
    left: Sequence[Contact]
    tree: Sequence[Branch]
    seats: Sequence[Seat]
    stale: Sequence[Part]
    threads: int

    @property
    def completeness(self) -> float | None:
        return completeness(self.seats)

    @property
    def is_single_threaded(self) -> bool:
        return self.threads <= 1

    @property
    def colleagues(self) -> int:
        """How many of us know somebody there."""
        return len({tie.user_id for person in self.people.values() for tie in person.ties})

    @property
    def gaps(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.missing]


def name_of(contact: Contact) -> str:
    return full_name(contact.first_name, contact.last_name) or contact.email or "Somebody"


def read_centre(session: Session, account_id: int, *, required: Mapping[str, int], at: datetime,
                fresh_days: int) -> Centre:
    """In two queries, however many people there are (at most 300)."""
    home = aliased(Account)
    rows = session.execute(
        select(Contact, FurtherSeat, home)
        .outerjoin(FurtherSeat, (FurtherSeat.contact_id == Contact.id) & (FurtherSeat.account_id == account_id))
        .outerjoin(home, (home.id == Contact.account_id) & (Contact.account_id != account_id))
        .where(Contact.id.in_(union_all(
            select(Contact.id).where(Contact.account_id == account_id),
            select(FurtherSeat.contact_id).where(FurtherSeat.account_id == account_id))))
        .order_by(func.coalesce(Contact.influence, 0).desc(), LAST_NAME, Contact.id).limit(_MOST)).all()
    ties = _ties(session, [contact.id for contact, _seat, _home in rows])
    people = {contact.id: _person(contact, seat, at_home, ties.get(contact.id, []))
              for contact, seat, at_home in rows if contact.is_active}
    parts = [Part(one.contact.id, one.contact.reports_to_id, one.contact.influence, one.confirmed_at, len(one.ties))
             for one in people.values()]
    return Centre(people, [contact for contact, _seat, _home in rows if not contact.is_active], branches(parts),
                  seats([person.role for person in people.values()], required),
                  stale(parts, at=at, fresh_days=fresh_days), threads(parts))


def _person(contact: Contact, seat: FurtherSeat | None, home: Account | None, ties: Sequence[Tie]) -> Person:
    if home is None or seat is None:
        return Person(contact, contact.buying_role, contact.title, ties)
    return Person(contact, seat.buying_role, seat.title or contact.title, ties, home)


def _ties(session: Session, contact_ids: Sequence[int]) -> dict[int, list[Tie]]:
    if not contact_ids:
        return {}
    found: dict[int, list[Tie]] = {}
    query = (select(Acquaintance, User.name).join(User, User.id == Acquaintance.user_id)
             .where(Acquaintance.contact_id.in_(contact_ids), User.is_active.is_(True))
             .order_by(Acquaintance.strength.desc(), User.name))
    for tie, name in session.execute(query):
        found.setdefault(tie.contact_id, []).append(Tie(tie.user_id, name, tie.strength, tie.since))
    return found


def list_ties(session: Session, contact_id: int) -> Sequence[Tie]:
    """Who of us knows this person, the strongest first."""
    return _ties(session, [contact_id]).get(contact_id, [])


def list_further_seats(session: Session, contact_id: int) -> Sequence[tuple[FurtherSeat, Account]]:
    """The further accounts at which a person has a part."""
    query = select(FurtherSeat, Account).join(Account, Account.id == FurtherSeat.account_id)
    rows = session.execute(query.where(FurtherSeat.contact_id == contact_id).order_by(Account.name_key)).all()
    return [(seat, account) for seat, account in rows]
