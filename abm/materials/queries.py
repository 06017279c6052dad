"""Reading the library, the wishes, and replies that look like one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.materials.asking import find_wish
from abm.materials.models import Material, MaterialRequest
from campaigns.models import Campaign, Event, SendingIdentity
from core import clock
from core.errors import NotFound

WAITING = ("open", "task", "failed", "sending")
_LOOKED_BACK = timedelta(days=30)
_REPLIES = 500
_WITH_NAMES = (joinedload(MaterialRequest.account), joinedload(MaterialRequest.contact),
               joinedload(MaterialRequest.material))


@dataclass(frozen=True, slots=True)
class Wish:
    """A reply that seems to ask for material, and the words that say so."""

    event_id: int
    at: datetime
    text: str
    words: str
    account: Account
    contact: Contact


def list_materials(session: Session, *, text: str = "", only_active: bool = False) -> Sequence[Material]:
    """By title; `text` is looked for in title, product and language."""
    query = select(Material).order_by(Material.title, Material.language, Material.id).limit(500)
    if only_active:
        query = query.where(Material.is_active)
    if text:
        columns: tuple[Any, ...] = (Material.title, Material.product, Material.language)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return session.scalars(query).all()


def list_fitting(session: Session, contact: Contact | None) -> Sequence[Material]:
    """What may be sent, those in the person's language first."""
    found = list_materials(session, only_active=True)
    own = (contact.language or "") if contact else ""
    return sorted(found, key=lambda one: (one.language != own, bool(one.language), one.title))


def get_material(session: Session, material_id: int) -> Material:
    found = session.get(Material, material_id)
    if found is None:
        raise NotFound("There is no such material")
    return found


def get_request(session: Session, request_id: int) -> MaterialRequest:
    found = session.get(MaterialRequest, request_id, options=_WITH_NAMES)
    if found is None:
        raise NotFound("Nobody asked for this")
    return found


def list_requests(session: Session, *, is_waiting: bool, account_id: int | None = None,
                  limit: int = 100) -> Sequence[MaterialRequest]:
    """Waiting ones the oldest first; settled ones the latest first."""
    is_open = MaterialRequest.state.in_(WAITING)
    query = select(MaterialRequest).options(*_WITH_NAMES).where(is_open if is_waiting else ~is_open)
    if account_id is not None:
        query = query.where(MaterialRequest.account_id == account_id)
    order = MaterialRequest.asked_at.asc() if is_waiting else MaterialRequest.asked_at.desc()
    return session.scalars(query.order_by(order, MaterialRequest.id).limit(limit)).all()


def list_wishes(session: Session) -> list[Wish]:
    """Replies of the last 30 days that seem to ask for material and that nobody has taken up, the newest first."""
    taken = select(MaterialRequest.event_id).where(MaterialRequest.event_id == Event.id).exists()
    rows = session.execute(
        select(Event, Account, Contact).join(Account, Account.id == Event.account_id)
        .join(Contact, Contact.id == Event.contact_id)
        .where(Event.kind == "reply", Event.is_machine.is_(False), Event.at > clock.now() - _LOOKED_BACK, ~taken)
        .order_by(Event.at.desc()).limit(_REPLIES))
    return [Wish(event.id, event.at, event.text or "", words, account, contact)
            for event, account, contact in rows if (words := find_wish(event.text or ""))]


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom a document is sent."""

    name: str
    email: str


def find_sender(session: Session) -> Sender | None:
    """The first active sending identity, else the sender of the campaign that was changed last; None without both."""
    identity = session.scalar(select(SendingIdentity).where(SendingIdentity.is_active)
                              .order_by(SendingIdentity.verified_at.is_(None), SendingIdentity.id).limit(1))
    if identity is not None:
        return Sender(identity.name, identity.email)
    for raw in session.scalars(select(Campaign.definition).order_by(Campaign.updated_at.desc()).limit(20)):
        sender = raw.get("sender") or {}
        if sender.get("email"):
            return Sender(sender.get("name", ""), sender["email"])
    return None


COLUMNS = ("asked_at", "account_id", "account", "contact_id", "material", "language", "wish", "state", "reason",
           "asked_of", "sent_at")


def export_requests(session: Session) -> Iterator[Sequence[Any]]:
    yield from session.execute(
        select(MaterialRequest.asked_at, Account.external_id, Account.name, Contact.external_id, Material.title,
               Material.language, MaterialRequest.wish, MaterialRequest.state, MaterialRequest.reason,
               MaterialRequest.asked_of, MaterialRequest.sent_at)
        .join(Account, Account.id == MaterialRequest.account_id).join(Contact, Contact.id == MaterialRequest.contact_id)
        .outerjoin(Material, Material.id == MaterialRequest.material_id).order_by(MaterialRequest.id),
        execution_options={"yield_per": 5_000})
