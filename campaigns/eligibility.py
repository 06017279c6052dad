"""May this person be written to at all? Pure rules on the person's present facts; no list, no history."""

from collections.abc import Collection
from dataclasses import dataclass

from campaigns.outside import Recipient
from campaigns.states import Channel, Reason


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a person is not touched, as a word of the glossary and a sentence that says who can lift it."""

    reason: Reason
    detail: str


# What ends a person's way through a run. Any other reason ends the step only, and the next step is tried.
ENDS_ENROLMENT = frozenset({
    Reason.NO_BASIS, Reason.CONSENT_NEEDED, Reason.SUPPRESSED, Reason.UNSUBSCRIBED, Reason.HELD_OUT,
    Reason.LEFT_COMPANY, Reason.NO_LONGER_MATCHES, Reason.REPLIED, Reason.ORDERED, Reason.MET, Reason.OPTED_OUT,
    Reason.COMPLAINED, Reason.HARD_BOUNCE, Reason.CAMPAIGN_CANCELLED, Reason.ERASED, Reason.EXCLUSIVE_ELSEWHERE,
    Reason.BEEN_BEFORE,
})


def objection_to(recipient: Recipient | None, *, channel: str, consent_countries: Collection[str]) -> Objection | None:
    """The first objection in this order: erased, left, no lawful basis, consent needed, no address or number."""
    if recipient is None:
        return Objection(Reason.ERASED, "The person has been erased; nobody can lift this.")
    if not recipient.is_active:
        return Objection(Reason.LEFT_COMPANY, "The person has left the company; whoever edits contacts can lift this.")
    return _without_basis(recipient, channel, consent_countries) or _without_address(recipient, channel)


def _without_basis(recipient: Recipient, channel: str, consent_countries: Collection[str]) -> Objection | None:
    if recipient.lawful_basis == "none":
        return Objection(Reason.NO_BASIS, "No lawful basis is on file; whoever records one with its source lifts this.")
    needs_consent = channel == Channel.EMAIL and recipient.country.upper() in consent_countries
    if needs_consent and recipient.lawful_basis != "consent":
        return Objection(Reason.CONSENT_NEEDED, f"{recipient.country} asks for consent before e-mail and the basis is "
                                                f"{recipient.lawful_basis}; the person's consent lifts this.")
    return None


def _without_address(recipient: Recipient, channel: str) -> Objection | None:
    if address_of(recipient, channel):
        return None
    missing = "phone number" if channel == Channel.CALL else "e-mail address"
    return Objection(Reason.NO_ADDRESS, f"The person has no {missing}; whoever edits contacts can add one.")


def objection_to_role(recipient: Recipient | None, roles: Collection[str]) -> Objection | None:
    """Somebody who no longer has one of the roles the campaign means."""
    if recipient is None or not roles or recipient.role in roles:
        return None
    return Objection(Reason.NO_LONGER_MATCHES, f"The person's buying role is now {recipient.role or 'not known'}, and "
                                               f"the campaign means {', '.join(roles)}; whoever edits contacts can "
                                               "lift this.")


def address_of(recipient: Recipient, channel: str) -> str | None:
    """Where this channel reaches the person; None where it does not. Others than e-mail and calls need nothing that
    stands here."""
    if channel == Channel.EMAIL:
        return (recipient.email or "").strip() or None
    if channel == Channel.CALL:
        return (recipient.phone or "").strip() or None
    return _ELSEWHERE.get(channel, "in person")


_ELSEWHERE: dict[str, str] = {Channel.LETTER: "by post", Channel.WEBHOOK: "webhook"}
