"""The message with the document: made, handed over outside any transaction, and its end recorded."""

from email.utils import format_datetime

from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.materials.actions import settle_sending
from abm.materials.models import MaterialRequest
from abm.materials.queries import find_sender
from abm.outreach.trials import Trial, hand_over
from campaigns import wire
from campaigns.channels.alone import is_accepted
from campaigns.channels.base import Outgoing
from campaigns.message_ids import message_id
from campaigns.preparing import signed
from campaigns.sending.dkim_keys import list_signers
from campaigns.sending.routes import find_route
from core import clock
from core.db import transaction
from core.errors import Refused

_IDS_FROM = 7_000_000_000


def usual_words(request: MaterialRequest, *, by: str) -> str:
    """What is written around the document, for a person to change."""
    name = request.contact.first_name or ""
    return f"Hello{' ' + name if name else ''},\n\nas you asked, here it is:\n\n{{link}}\n\nKind regards\n{by}"


def make_message(session: Session, request: MaterialRequest, *, words: str, reply_to: str) -> Trial:
    """The message of a wish whose document is chosen. `{link}` in the words becomes title and address; where it is
    missing they stand at the end. Raises Refused without a sender or for an address that cannot be written to."""
    sender = find_sender(session)
    if sender is None or request.material is None:
        raise Refused("There is nobody to send it from: add a sender under Settings, Sending")
    route, company = find_route(session, sender.email), get_company(session)
    number = _IDS_FROM + request.id
    try:
        to_address, from_address = wire.address(request.contact.email or ""), wire.address(sender.email)
        answers_to = wire.address(reply_to)
    except wire.BadAddress as error:
        raise Refused(str(error)) from error
    link = f"{request.material.title}\n{request.material.url}"
    body = words.replace("{link}", link) if "{link}" in words else f"{words}\n\n{link}"
    text = f"{body}\n\n-- \n{company.name}\n{company.postal_address}\n"
    lines = (
        f"From: {wire.mailbox(sender.name, from_address)}", f"To: {to_address}", f"Reply-To: {answers_to}",
        f"Subject: {wire.subject_value(request.material.title)}",
        f"Date: {format_datetime(clock.now().replace(microsecond=0))}",
        f"Message-ID: {message_id(number, sender.email)}", "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "", "")
    letter = "\r\n".join(lines).encode("ascii") + wire.quoted_printable(text)
    return Trial(to_address, Outgoing(number, 0, 0, 0, from_address, to_address,
                                      signed(letter, list_signers(session, route.identity_id))), route)


def carry_out(request_id: int, trial: Trial) -> str:
    """Hand it over and record the end; runs when no transaction is open. Where the mail server said nothing the wish
    stays in doubt, and is never sent again by itself. Returns a sentence about what went wrong, empty when it is sent.
    """
    outcome = hand_over(trial)
    if outcome is None:
        return "The mail server did not answer in time: look whether it arrived, then settle the wish"
    with transaction() as session:
        settle_sending(session, request_id=request_id, is_sent=is_accepted(outcome), reason=outcome.text)
    return "" if is_accepted(outcome) else f"Not sent: {outcome.text}"
