"""Reading people, and whether they may be written to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from abm.accounts.models import Account
from abm.contacts.consent import basis_day, consent_ends_on
from abm.contacts.models import Contact
from abm.web.keyset import Order
from campaigns.eligibility import expired
from campaigns.models import ConsentEvent
from campaigns.outside import Recipient
from campaigns.suppressed import ALL_PURPOSES, find_suppressed
from core import clock
from core.errors import NotFound
from core.words import has_words, row_has_words

LAST_NAME = func.lower(func.coalesce(Contact.last_name, Contact.first_name, Contact.email, ""))
SORTS: dict[str, ColumnElement[Any] | QueryableAttribute[Any]] = {
    "name": LAST_NAME, "account": Account.name_key, "title": Contact.title,
    "role": Contact.buying_role, "basis": Contact.lawful_basis,
}
USUAL_SORT = "account"  # over the index of account names; by the name of a person a million people are sorted
FILTERS = {"role": Contact.buying_role, "basis": Contact.lawful_basis, "attitude": Contact.attitude}


@dataclass(frozen=True)
class Listing:
    """What somebody looks for among people."""

    text: str
    filters: Mapping[str, str]
    sort: str
    is_descending: bool
    shows_left: bool

    @property
    def arguments(self) -> dict[str, str]:
        kept = {"q": self.text, "sort": ("-" if self.is_descending else "") + self.sort, **self.filters,
                "left": "yes" if self.shows_left else ""}
        return {name: value for name, value in kept.items() if value}


def read_listing(arguments: Mapping[str, str]) -> Listing:
    """From an address; names that are not known are ignored."""
    wanted = arguments.get("sort", "")
    name = wanted.removeprefix("-")
    filters = {name: value.replace("\x00", "") for name in FILTERS if (value := arguments.get(name))}
    text = arguments.get("q", "").replace("\x00", "").strip()[:200]
    return Listing(text, filters, name if name in SORTS else USUAL_SORT,
                   name in SORTS and wanted.startswith("-"), arguments.get("left") == "yes")


def select_contacts(listing: Listing, *, are_many: bool = False) -> Select[*tuple[Any, ...]]:
    """Contact and Account of everybody who fits; unsorted. `are_many`: so many have the words that a page is found
    sooner along the accounts than by the words."""
    query: Select[*tuple[Any, ...]] = select(Contact, Account).select_from(Contact).join(
        Account, Account.id == Contact.account_id)
    if not listing.shows_left:
        query = query.where(Contact.is_active.is_(True))
    if listing.text:
        query = query.where(_come_across(listing.text) if are_many else Contact.id.in_(select_found(listing.text)))
    for name, value in listing.filters.items():
        query = query.where(FILTERS[name] == value)
    return query


def select_found(text: str) -> CompoundSelect[int]:
    """The ids of people with the words of a text, and of everybody at accounts with them."""
    same = select(Contact.id).where(has_words("contact", Contact.id, text))
    return same.union(select(Contact.id).where(has_words("account", Contact.account_id, text)))


def have_many(session: Session, listing: Listing, *, more_than: int) -> bool:
    """Whether so many people have the words that were typed that they are come across at once along the accounts. With
    filters besides they might not be."""
    if not listing.text or listing.filters or listing.sort != USUAL_SORT:
        return False
    some = select(Contact.id).where(has_words("contact", Contact.id, listing.text, most=more_than + 1)).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) > more_than


def _come_across(text: str) -> ColumnElement[bool]:
    return or_(row_has_words("contact", Contact.id, text), row_has_words("account", Contact.account_id, text))


def list_order(listing: Listing) -> Order:
    return Order(SORTS[listing.sort], Contact.id, listing.is_descending, is_nullable=listing.sort in ("title", "role"))


def get_contact(session: Session, contact_id: int) -> Contact:
    """A person by id. Raises NotFound."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("There is no such person")
    return contact


def list_contacts_of(session: Session, account_id: int) -> Sequence[Contact]:
    """An account's people: those who are there first, by influence and name."""
    weight = func.coalesce(Contact.influence, 0).desc()
    query = select(Contact).where(Contact.account_id == account_id)
    return session.scalars(query.order_by(Contact.is_active.desc(), weight, LAST_NAME, Contact.id).limit(500)).all()


def find_namesakes(session: Session, *, email_key: str, but: int | None = None) -> Sequence[Contact]:
    """Other people with this address."""
    query = select(Contact).where(Contact.email_key == email_key)
    return session.scalars(query.where(Contact.id != but) if but is not None else query).all()


def list_consent(session: Session, contact_id: int) -> Sequence[ConsentEvent]:
    """What the person agreed to or withdrew, with its evidence; the newest first."""
    return session.scalars(select(ConsentEvent).where(ConsentEvent.contact_id == contact_id)
                           .order_by(ConsentEvent.at.desc(), ConsentEvent.id.desc()).limit(200)).all()


def why_not_emailed(session: Session, contacts: Iterable[Contact]) -> dict[int, str]:
    """By contact id one sentence why no e-mail may go to this person; whoever is missing in the answer can be e-mailed.

    The rule: active, with a valid address, a lawful basis other than none that has not expired, under no stop
    of all mail. Stops for one purpose are judged by the send gate of each campaign.
    """
    found: dict[int, str] = {}
    open_to_stops = []
    for contact in contacts:
        if not contact.is_active:
            found[contact.id] = "No longer there"
        elif not contact.email_key:
            found[contact.id] = "No e-mail address"
        elif contact.lawful_basis == "none":
            found[contact.id] = "No lawful basis on record"
        elif (ended_on := consent_ends_on(contact)) is not None and ended_on < clock.now().date():
            found[contact.id] = expired(contact.consent_kind, ended_on)
        else:
            open_to_stops.append(_recipient(contact))
    stops = find_suppressed(session, open_to_stops, purpose=ALL_PURPOSES)
    return {**found, **{contact_id: stop.detail for contact_id, stop in stops.items()}}


def can_email(session: Session, contact: Contact) -> bool:
    """Whether e-mail may go to this person at all (see `why_not_emailed`)."""
    return contact.id not in why_not_emailed(session, [contact])


def _recipient(contact: Contact) -> Recipient:
    return Recipient(
        contact_id=contact.id, account_id=contact.account_id, email=contact.email, phone=contact.phone, country="",
        zone="", account_zone="", language=contact.language or "", lawful_basis=contact.lawful_basis, tier="",
        is_active=contact.is_active, consent_kind=contact.consent_kind or "", basis_on=basis_day(contact.basis_at))
