"""Mail to our own people, such as about the safety of their account: sent by a job, never inside a request."""

import secrets
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.users.queries import get_user
from campaigns import wire
from campaigns.channels.alone import hand_over_alone, is_accepted
from campaigns.channels.base import Outgoing
from campaigns.message_ids import message_id
from campaigns.models import SendingIdentity
from campaigns.plain_mail import PlainMail, ready_to_leave
from campaigns.sending.routes import Route, find_route
from core.db import reading
from core.errors import TemporaryFailure
from core.jobs import job
from core.settings import settings

TELL_OF_SECOND_FACTOR = "users.tell_of_second_factor"
_IDS_FROM = 9_500_000_000
_SENTENCES = {
    "user.second_factor_on": "A second factor was switched on for your account. Sign in with your password and a code.",
    "user.second_factor_off": "The second factor of your account was switched off. Your password alone opens it now.",
    "user.second_factor_reset": "An administrator reset the second factor of your account. Your password alone opens "
                                "it until you set up a new one.",
}


@job(TELL_OF_SECOND_FACTOR)
def tell_of_second_factor(user_id: int, action: str) -> None:
    """Mail the sentence for a change; raises TemporaryFailure when nothing took it, so that the job counts as failed.
    A restored copy sends nothing."""
    with reading() as session:
        if get_company(session).restored_at:
            return
        prepared = _prepare(session, user_id, _SENTENCES[action])
    if not is_accepted(hand_over_alone(*prepared)):
        raise TemporaryFailure(f"The notice to user {user_id} was not accepted")


def _prepare(session: Session, user_id: int, sentence: str) -> tuple[Outgoing, Route]:
    user = get_user(session, user_id)
    text = (f"{user.name},\n\n{sentence}\n\nIf this was not meant by you, tell your administrator at once and set a "
            f"new password: {settings().base_url}\n\n-- \n{get_company(session).name}\n")
    return make_notice(session, to=user.email, subject="Your account: second factor", text=text)


def make_notice(session: Session, *, to: str, subject: str, text: str) -> tuple[Outgoing, Route]:
    """A plain mail of the system to one of our own people, marked as made by a program, and its way out."""
    company, sender = get_company(session).name, _sender(session)
    number, route = _IDS_FROM + secrets.randbelow(10**9), find_route(session, sender)
    to_address, from_address = wire.address(to), wire.address(sender)
    mail = PlainMail(company, from_address, to_address, subject, text, message_id(number, sender))
    return ready_to_leave(session, mail, number=number, route=route), route


def _sender(session: Session) -> str:
    """The oldest active sending identity, else an address of this installation's own host."""
    own = session.scalar(select(SendingIdentity.email).where(SendingIdentity.is_active)
                         .order_by(SendingIdentity.id).limit(1))
    host = urlsplit(settings().base_url).hostname or ""
    is_a_name = "." in host and any(letter.isalpha() for letter in host)
    return own or f"no-reply@{host if is_a_name else 'localhost.localdomain'}"
