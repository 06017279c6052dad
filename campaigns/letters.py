"""The print queue: letters wait, are printed as one batch, and are marked as posted, which ends their step.

A letter whose person must not be written to any more, or whose step is over, is taken back before it is printed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns.eligibility import objection_to
from campaigns.letter_pages import make_pdf, paper_of
from campaigns.models import Delivery, Enrolment, Letter, LetterBatch, Run
from campaigns.outside import outside
from campaigns.states import Channel, DeliveryState, EnrolmentState, RunState
from campaigns.suppressed import find_suppressed
from core import clock
from core.errors import NotFound, Refused
from core.id_lists import is_among

MOST_AT_ONCE = 500
POSTED, TAKEN_BACK = "letter_posted", "letter_taken_back"


def _is_waiting() -> ColumnElement[bool]:
    return Letter.batch_id.is_(None) & Letter.taken_back_at.is_(None)


def select_waiting() -> Select[Letter]:
    """Letters that wait to be printed, the oldest first."""
    return select(Letter).where(_is_waiting()).order_by(Letter.id)


def count_waiting(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Letter).where(_is_waiting())) or 0


def list_batches(session: Session, *, limit: int = 20) -> list[tuple[LetterBatch, int]]:
    """The latest batches with the number of their letters."""
    rows = session.execute(select(LetterBatch, func.count(Letter.id)).join(Letter, Letter.batch_id == LetterBatch.id)
                           .group_by(LetterBatch.id).order_by(LetterBatch.id.desc()).limit(limit))
    return [(batch, count) for batch, count in rows]


def list_letters(session: Session, batch_id: int) -> Sequence[Letter]:
    return session.scalars(select(Letter).where(Letter.batch_id == batch_id).order_by(Letter.id)).all()


def count_letters(session: Session, batch_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.batch_id == batch_id)) or 0


def iterate_letters(session: Session) -> Iterator[tuple[object, ...]]:
    """A row per letter ever made, for an export: its number, campaign, step, account, address, subject and moments."""
    for one in session.scalars(select(Letter).order_by(Letter.id).execution_options(yield_per=1_000)):
        account, *lines = [str(line) for line in one.address] or [""]
        yield (one.id, one.campaign_title, one.step, account, ", ".join(lines), one.subject, one.made_at, one.batch_id,
               one.posted_at, one.taken_back_at)


def get_batch(session: Session, batch_id: int) -> LetterBatch:
    batch = session.get(LetterBatch, batch_id)
    if batch is None:
        raise NotFound("There is no such batch of letters")
    return batch


def print_batch(session: Session, batch: LetterBatch) -> bytes:
    """The batch as one PDF, on the paper and with the day of the company's own country."""
    policy = outside().company.policy(session)
    return make_pdf(list_letters(session, batch.id), printed_at=batch.made_at.astimezone(ZoneInfo(policy.zone)),
                    paper=paper_of(policy.country))


def make_batch(session: Session, *, made_by: str) -> LetterBatch:
    """Take what waits (the oldest MOST_AT_ONCE) into a batch to be printed. Refused when nothing waits."""
    take_back_unwanted(session)
    letters = session.scalars(select_waiting().limit(MOST_AT_ONCE).with_for_update(skip_locked=True)).all()
    gone = _no_longer_allowed(session, letters)
    _take_back(session, [letter.id for letter in letters if letter.id in gone])
    ready = [letter for letter in letters if letter.id not in gone]
    if not ready:
        raise Refused("No letter waits to be printed")
    batch = LetterBatch(made_by=made_by[:200], made_at=clock.now())
    session.add(batch)
    session.flush()
    for letter in ready:
        letter.batch_id = batch.id
    session.flush()
    return batch


def _no_longer_allowed(session: Session, letters: Sequence[Letter]) -> set[int]:
    """What has changed since the hand-over: suppressed, withdrawn, left, erased."""
    contacts = sorted({letter.contact_id for letter in letters})
    recipients = outside().people.recipients(session, contacts)
    rules, now = outside().company.policy(session).country_rules, clock.now()
    purposes = dict(session.execute(select(Delivery.id, Run.purpose).join(Run, Run.id == Delivery.run_id)
                                    .where(is_among(Delivery.id, {one.delivery_id for one in letters}))).all())
    stops = {purpose: find_suppressed(session, recipients.values(), purpose=purpose)
             for purpose in set(purposes.values())}
    return {one.id for one in letters
            if stops.get(purposes.get(one.delivery_id, ""), {}).get(one.contact_id)
            or objection_to(recipients.get(one.contact_id), channel=Channel.LETTER, rules=rules, at=now)}


def mark_posted(session: Session, *, batch_id: int, by: str, at: datetime | None = None) -> int:
    """The batch has gone to the post: the steps of its letters end. How many letters; none when repeated."""
    batch, moment = get_batch(session, batch_id), at or clock.now()
    if batch.posted_at is not None:
        return 0
    batch.posted_at, batch.posted_by = moment, by[:200]
    ids = list(session.scalars(update(Letter).where(Letter.batch_id == batch_id, Letter.taken_back_at.is_(None))
                               .values(posted_at=moment).returning(Letter.delivery_id)))
    _end_steps(session, ids, POSTED, moment)
    return len(ids)


def take_back(session: Session, *, letter_id: int) -> Letter:
    """A letter that waits is not to be printed; its step is over. Refused when it is in a batch."""
    letter = session.get(Letter, letter_id)
    if letter is None:
        raise NotFound("There is no such letter")
    if letter.batch_id is not None:
        raise Refused("This letter is printed already")
    if letter.taken_back_at is None:
        _take_back(session, [letter.id])
        session.refresh(letter)
    return letter


def take_back_unwanted(session: Session) -> int:
    """Letters in the queue whose step is over without them, or whose person or campaign was stopped; how many."""
    is_over = or_(Delivery.reason.is_not(None), Delivery.state != DeliveryState.SENT,
                  exists().where(Enrolment.id == Delivery.enrolment_id,
                                 Enrolment.state.in_([EnrolmentState.STOPPED, EnrolmentState.CANCELLED])),
                  exists().where(Run.id == Delivery.run_id, Run.state == RunState.CANCELLED))
    is_settled = Delivery.state != DeliveryState.HANDING
    ids = session.scalars(select(Letter.id).join(Delivery, Delivery.id == Letter.delivery_id)
                          .where(_is_waiting(), is_over, is_settled)).all()
    return _take_back(session, ids)


def _take_back(session: Session, letter_ids: Sequence[int]) -> int:
    if not letter_ids:
        return 0
    ids = list(session.scalars(update(Letter).where(is_among(Letter.id, letter_ids))
                               .values(taken_back_at=clock.now()).returning(Letter.delivery_id)))
    _end_steps(session, ids, TAKEN_BACK, clock.now())
    return len(ids)


def _end_steps(session: Session, delivery_ids: Sequence[int], reason: str, at: datetime) -> None:
    session.connection().execute(
        update(Delivery).where(is_among(Delivery.id, delivery_ids), Delivery.state == DeliveryState.SENT,
                               Delivery.reason.is_(None)).values(reason=reason, ended_at=at))
