"""The message that asks an address to confirm: made and sent by a job, one for each wish, never while sending rests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.outreach.recipient_texts import Texts, texts_for
from abm.outreach.trials import Trial, hand_over
from campaigns import wire
from campaigns.channels.alone import is_accepted
from campaigns.definition import parse
from campaigns.message_ids import message_id
from campaigns.models import CampaignVersion, ConsentEvent, Delivery
from campaigns.opt_in import confirm_url
from campaigns.outside import outside
from campaigns.plain_mail import PlainMail, ready_to_leave
from campaigns.preferences import ASKED
from campaigns.sending.routes import find_route
from core import clock
from core.db import transaction
from core.jobs import JobQueue, every, job
from core.logs import logger

JOB = "outreach.ask_to_confirm"
MOST_TRIES = 5
_KEPT_TRYING = timedelta(days=1)
_SECONDS_BETWEEN = 300
_IDS_FROM = 9_000_000_000
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """A message that is ready to leave, and the wish it belongs to."""

    request_id: int
    trial: Trial


@job(JOB, queue=JobQueue.OUTREACH)
def send_confirmations() -> None:
    """Send what waits. A wish is marked before its message leaves, so that two jobs never send it twice."""
    while True:
        with transaction() as session:
            asking = claim_next(session)
        if asking is None:
            return
        if is_accepted(hand_over(asking.trial)):
            continue
        _log.warning("a confirmation could not be sent", request=asking.request_id)
        with transaction() as session:
            _mark(session.get(ConsentEvent, asking.request_id), mailed_at=None)
        return


every(_SECONDS_BETWEEN, JOB)


def claim_next(session: Session) -> Asking | None:
    """The oldest wish of the last day without a message, marked as mailed; None while all sending rests."""
    if outside().company.policy(session).is_sending_paused:
        return None
    waiting = _waiting(session)
    for entry in waiting:
        delivery = session.get(Delivery, (entry.evidence or {}).get("delivery", 0))
        if delivery is None or not delivery.address:
            continue
        trial = make_message(session, entry, delivery)
        _mark(entry, mailed_at=clock.now().isoformat())
        return Asking(entry.id, trial)
    return None


def _waiting(session: Session) -> Sequence[ConsentEvent]:
    rows = session.scalars(select(ConsentEvent).where(
        ConsentEvent.kind == ASKED, ConsentEvent.at > clock.now() - _KEPT_TRYING)
        .order_by(ConsentEvent.id).with_for_update(skip_locked=True))
    return [row for row in rows if not (row.evidence or {}).get("mailed_at")
            and (row.evidence or {}).get("tries", 0) < MOST_TRIES]


def _mark(entry: ConsentEvent | None, *, mailed_at: str | None) -> None:
    if entry is not None and entry.evidence is not None:
        tries = entry.evidence.get("tries", 0) + (mailed_at is not None)
        entry.evidence = {**entry.evidence, "mailed_at": mailed_at, "tries": tries}


def make_message(session: Session, entry: ConsentEvent, delivery: Delivery) -> Trial:
    """The message for a wish, from the sender of the message whose page it came from."""
    raw = session.scalars(select(CampaignVersion.definition).where(CampaignVersion.id == delivery.version_id)).one()
    sender = parse(raw).sender
    route = find_route(session, sender.email)
    number = _IDS_FROM + entry.id
    to_address = wire.address(delivery.address or "")
    evidence = entry.evidence or {}
    say = texts_for([evidence.get("language")])
    text = _text(say, get_company(session).name, str(evidence.get("wording", "")), (confirm_url(entry.id),
                                                                                   sender.postal_address))
    subject = say.plain("Please confirm: may we write to you again?")
    from_address = wire.address(sender.email)
    letter = PlainMail(sender.name, from_address, to_address, subject, text, message_id(number, sender.email))
    return Trial(to_address, ready_to_leave(session, letter, number=number, route=route), route)


def _text(say: Texts, company: str, wording: str, places: tuple[str, str]) -> str:
    url, postal_address = places
    begins = say.plain("Somebody, most likely you, asked {company} to write to this address again.", company=company)
    asks = say.plain("If that is what you want, open this page and confirm it:")
    ends = say.plain("If not, do nothing: without your confirmation nothing changes.")
    return f"{begins}\n\n“{wording}”\n\n{asks}\n\n{url}\n\n{ends}\n\n-- \n{company}\n{postal_address}\n"
