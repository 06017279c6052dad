"""Sending one message to an own address, through the same rendering and the same channel as the real thing."""

import secrets
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.contacts.models import Contact
from abm.outreach.people import get_content_values
from campaigns.channels.alone import hand_over_alone
from campaigns.channels.base import Outcome, Outgoing
from campaigns.definition import Definition, EmailStep
from campaigns.facts import DeliveryFacts
from campaigns.message_ids import message_id
from campaigns.models import Campaign
from campaigns.personalisation import ContentFailure
from campaigns.preparing import reply_address, signed
from campaigns.rendering import compile_email
from campaigns.sandbox_rules import ContentRefused
from campaigns.sending.dkim_keys import list_signers
from campaigns.sending.routes import OPERATORS_OWN, Route, find_route
from campaigns.tracking import preferences_url, unsubscribe_url
from core import clock
from core.errors import InvalidInput

_TRIAL_IDS_FROM = 8_000_000_000
_EXAMPLE_OFFER = {"code": "TEST-CODE", "title": "Offer", "valid_until": "2030-12-31", "terms": "Terms"}


@dataclass(frozen=True)
class Trial:
    """A rendered test message with the address that a person asked for."""

    address: str
    outgoing: Outgoing
    route: Route = OPERATORS_OWN


def make_trial(session: Session, *, definition: Definition, step: EmailStep, contact: Contact | None, address: str,
               language: str = "", variant: str = "") -> Trial:
    """The message as `contact` would get it, addressed to `address`. Raises InvalidInput for field `address`.

    Its links are not counted and its unsubscribe link is nobody's: a trial changes no person's standing. Its number is
    one that no delivery has.
    """
    checked = _checked(address)
    if contact is None:
        raise InvalidInput("There is nobody to read it as", {"address": "choose a person to read it as first"})
    number = _TRIAL_IDS_FROM + secrets.randbelow(10**9)
    values = get_content_values(session, [contact.id])[contact.id]
    facts = DeliveryFacts(
        delivery_id=number, message_id=message_id(number, definition.sender.email), to_address=checked, to_name="",
        unsubscribe_url=unsubscribe_url(number), preferences_url=preferences_url(number),
        envelope_from=definition.sender.email, offer=_EXAMPLE_OFFER if step.offer else {}, track=False,
        reply_to=reply_address(definition.sender.reply_to, values))
    try:
        compiled = compile_email(definition, step, language=language or None, variant=variant or None, version_id=0)
        filled = compiled.fill(values=values, facts=facts)
    except (ContentFailure, ContentRefused) as error:
        raise InvalidInput("The message cannot be made", {"address": f"cannot be sent: {error}"}) from error
    route = find_route(session, definition.sender.email)
    wire = signed(filled.wire, list_signers(session, route.identity_id))
    return Trial(checked, Outgoing(number, 0, 0, 0, filled.envelope_from, filled.envelope_to, wire), route)


def _checked(address: str) -> str:
    try:
        return validate_email(address.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidInput("The address is not right", {"address": f"is not an e-mail address: {error}"}) from error


def hand_over(trial: Trial) -> Outcome | None:
    """Send it and wait for the answer; None when there was none in time. Never inside a transaction."""
    return hand_over_alone(trial.outgoing, trial.route)


def note_trial(session: Session, *, campaign: Campaign, step: EmailStep, address: str) -> Campaign:
    """Remember that the campaign was tried; the launch check warns of one that never was."""
    campaign.tested_at = clock.now()
    record(session, action="campaign.test", subject="campaign", subject_id=campaign.id,
           after={"step": step.id, "address": address})
    return campaign
