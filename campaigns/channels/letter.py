"""The letter channel: a letter that has come due is made and waits in the print queue; people print and post it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from campaigns.channels.base import LetterRequest, Making, PlacedChannel
from campaigns.contents import language_of, letter_words
from campaigns.definition_values import LetterStep, Sender
from campaigns.inserting import insert_ignoring
from campaigns.models import Letter
from campaigns.personalisation import ContentFailure
from campaigns.sandbox import compile_template
from campaigns.states import Reason
from core import clock


class NoPostalAddress(ContentFailure):
    """The account has no street on file."""

    reason = Reason.NO_ADDRESS.value


def make(making: Making) -> LetterRequest:
    """The letter with its words filled in. Raises NoPostalAddress, or MissingValue with every name that is missing."""
    due, step, sender = making.due, making.step, making.definition.sender
    assert isinstance(step, LetterStep)
    if not making.postal:
        raise NoPostalAddress("The account has no street and city on file (custom fields street and postcode); "
                              "whoever edits accounts can add them")
    values = making.values
    language = str(values.get("contact", {}).get("language") or "")
    subject, body = letter_words(step, language)
    return LetterRequest(
        delivery_id=due.id, account_id=due.account_id, contact_id=due.contact_id,
        campaign_title=making.definition.title, step=step.id, address=making.postal,
        sender=sender_lines(sender),
        subject=compile_template(subject, is_html=False).render(values) if subject else "",
        body=compile_template(body, is_html=False).render(values), language=language_of(step, language))


def sender_lines(sender: Sender) -> tuple[str, ...]:
    """The sender's name and postal address, line by line."""
    lines = (part.strip() for part in (sender.name, *sender.postal_address.split(",")))
    return tuple(line for line in lines if line)


def place(session: Session, requests: Sequence[LetterRequest]) -> None:
    """Put the letters into the print queue; a repeat for the same delivery adds none."""
    insert_ignoring(session, Letter, [
        {"delivery_id": one.delivery_id, "account_id": one.account_id, "contact_id": one.contact_id,
         "campaign_title": one.campaign_title[:200], "step": one.step, "address": list(one.address),
         "sender": list(one.sender), "subject": one.subject[:300], "body": one.body, "language": one.language[:20],
         "made_at": clock.now()}
        for one in requests])


CHANNEL = PlacedChannel(make, place)
