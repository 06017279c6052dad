"""Reading the single messages of a campaign: the table of recipients, and everything that is known of one message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.contacts.names import full_name
from campaigns.models import Attempt, Campaign, Delivery, Enrolment, Event, HoldoutAccount, Link, Run, StepPassage
from campaigns.states import states_of
from campaigns.tally import Tally, TallyLine, of_campaign
from core.errors import NotFound
from core.words import has_words

PAGE = 50
NO_REASON = "-"


@dataclass(frozen=True)
class MessageFilter:
    """What the table of recipients shows; empty means all. `book` groups states: sent, suppressed, failed, …; the
    reason `-` means those without one."""

    book: str = ""
    reason: str = ""
    step: str = ""
    words: str = ""
    state: str = ""


@dataclass(frozen=True)
class MessagePage:
    """A page of the table: rows of (Delivery, Contact or None, Account or None); `next_after` None: the end."""

    rows: Sequence[Any]
    next_after: int | None


@dataclass(frozen=True)
class MessageHistory:
    """Everything that is known of one message, oldest first."""

    delivery: Delivery
    campaign: Campaign
    contact: Contact | None
    account: Account | None
    attempts: Sequence[Attempt]
    events: Sequence[tuple[Event, str | None]]


@dataclass(frozen=True)
class PersonInCampaign:
    """Why a person was or was not written to."""

    contact: Contact
    account: Account
    is_held_out: bool
    enrolments: Sequence[Enrolment]
    deliveries: Sequence[Delivery]
    passages: Sequence[StepPassage] = ()
    replaced: Sequence[tuple[int, str]] = ()
    successors: Sequence[tuple[int, str]] = ()


def list_messages(session: Session, tally: Tally, wanted: MessageFilter, *, after: int = 0) -> MessagePage:
    """Messages of those that were counted, in the order of their intent, from the one behind `after`."""
    chosen = select(Delivery.id).where(*tally.reach, *_fits(wanted), Delivery.id > after)
    ids = session.scalars(chosen.order_by(Delivery.id).limit(PAGE + 1)).all()
    rows = session.execute(
        select(Delivery, Contact, Account).outerjoin(Contact, Contact.id == Delivery.contact_id)
        .outerjoin(Account, Account.id == Delivery.account_id)
        .where(Delivery.id.in_(ids[:PAGE])).order_by(Delivery.id)).all()
    return MessagePage(rows, ids[PAGE - 1] if len(ids) > PAGE else None)


def count_messages(session: Session, tally: Tally, wanted: MessageFilter) -> int:
    """How many fit; the database is asked only where words are looked for."""
    if wanted.words.strip():
        chosen = select(func.count()).where(*tally.reach, *_fits(wanted))
        return session.scalar(chosen) or 0
    return sum(line.messages for line in tally.lines if _fits_line(wanted, line))


def _fits_line(wanted: MessageFilter, line: TallyLine) -> bool:
    reason = "" if wanted.reason == NO_REASON else wanted.reason
    return (wanted.book in ("", line.book) and wanted.state in ("", line.state) and wanted.step in ("", line.step)
            and (not wanted.reason or reason == line.reason))


def select_messages(campaign_id: int, wanted: MessageFilter) -> Select[int]:
    """The ids of the messages that fit."""
    return select(Delivery.id).where(*of_campaign(campaign_id), *_fits(wanted))


def _fits(wanted: MessageFilter) -> list[ColumnElement[bool]]:
    fits: list[ColumnElement[bool]] = []
    if wanted.book:
        fits.append(Delivery.state.in_(states_of(wanted.book)))
    if wanted.state:
        fits.append(Delivery.state == wanted.state)
    if wanted.reason:
        fits.append(Delivery.reason.is_(None) if wanted.reason == NO_REASON else Delivery.reason == wanted.reason)
    if wanted.step:
        fits.append(Delivery.step == wanted.step)
    if words := wanted.words.strip():
        fits.append(or_(has_words("contact", Delivery.contact_id, words),
                        has_words("account", Delivery.account_id, words),
                        func.lower(Delivery.address).contains(words.lower(), autoescape=True)))
    return fits


def get_message_history(session: Session, *, campaign_id: int, delivery_id: int) -> MessageHistory:
    """Raises NotFound for a message that is not this campaign's."""
    row = session.execute(
        select(Delivery, Campaign, Contact, Account)
        .join(Run, Run.id == Delivery.run_id).join(Campaign, Campaign.id == Run.campaign_id)
        .outerjoin(Contact, Contact.id == Delivery.contact_id).outerjoin(Account, Account.id == Delivery.account_id)
        .where(Delivery.id == delivery_id, Run.campaign_id == campaign_id)
    ).first()
    if row is None:
        raise NotFound("This campaign has no such message")
    attempts = session.scalars(select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.id)).all()
    events = session.execute(select(Event, Link.url).outerjoin(Link, Link.id == Event.link_id)
                             .where(Event.delivery_id == delivery_id).order_by(Event.at, Event.id)).all()
    return MessageHistory(row[0], row[1], row[2], row[3], attempts, [(event, url) for event, url in events])


def get_person_in_campaign(session: Session, *, campaign_id: int, contact_id: int) -> PersonInCampaign:
    """The person's part in all runs of a campaign. Raises NotFound for a person that is not there."""
    row = session.execute(select(Contact, Account).join(Account, Account.id == Contact.account_id)
                          .where(Contact.id == contact_id)).first()
    if row is None:
        raise NotFound("There is no such person; they may have been erased")
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    held_out = session.get(HoldoutAccount, (campaign_id, row[1].id))
    enrolments = session.scalars(select(Enrolment).where(
        Enrolment.run_id.in_(runs), Enrolment.contact_id == contact_id).order_by(Enrolment.id)).all()
    deliveries = session.scalars(select(Delivery).where(
        Delivery.run_id.in_(runs), Delivery.contact_id == contact_id).order_by(Delivery.id)).all()
    passages = session.scalars(
        select(StepPassage).where(StepPassage.enrolment_id.in_([one.id for one in enrolments]))
        .order_by(StepPassage.enrolment_id, StepPassage.position)).all()
    return PersonInCampaign(row[0], row[1], bool(held_out and held_out.is_held_out), enrolments, deliveries, passages,
                            _whom_they_replaced(session, enrolments), _who_took_over(session, enrolments))


def _whom_they_replaced(session: Session, enrolments: Sequence[Enrolment]) -> list[tuple[int, str]]:
    """(contact id, name) of those whose place the person took."""
    return _name_people(session, Enrolment.id.in_([one.replaces_id for one in enrolments if one.replaces_id]))


def _who_took_over(session: Session, enrolments: Sequence[Enrolment]) -> list[tuple[int, str]]:
    """(contact id, name) of those who took the person's place."""
    return _name_people(session, Enrolment.replaces_id.in_([one.id for one in enrolments]))


def _name_people(session: Session, are_meant: ColumnElement[bool]) -> list[tuple[int, str]]:
    rows = session.execute(select(Contact.id, Contact.first_name, Contact.last_name)
                           .join(Enrolment, Enrolment.contact_id == Contact.id).where(are_meant).order_by(Enrolment.id))
    return [(row.id, full_name(row.first_name, row.last_name)) for row in rows]
