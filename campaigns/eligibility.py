"""May this person be written to at all? Pure rules on the person's present facts; no list, no history."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from campaigns.consent_expiry import IMPLIED_PURCHASE, is_implied, last_day
from campaigns.country_rules import BASES, CONSENT, LEGITIMATE_INTEREST, CountryRules, base_of
from campaigns.free_mail import free_mail_domains
from campaigns.outside import Recipient
from campaigns.states import Channel, Reason


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a person is not touched, as a word of the glossary and a sentence that says who can lift it."""

    reason: Reason
    detail: str


# What ends a person's way through a run. Any other reason ends the step only, and the next step is tried.
ENDS_ENROLMENT = frozenset({
    Reason.NO_BASIS, Reason.CONSENT_EXPIRED, Reason.SUPPRESSED, Reason.UNSUBSCRIBED,
    Reason.HELD_OUT, Reason.LEFT_COMPANY, Reason.NO_LONGER_MATCHES, Reason.REPLIED, Reason.ORDERED, Reason.MET,
    Reason.OPTED_OUT, Reason.COMPLAINED, Reason.HARD_BOUNCE, Reason.CAMPAIGN_CANCELLED, Reason.ERASED,
    Reason.EXCLUSIVE_ELSEWHERE, Reason.BEEN_BEFORE,
})


def objection_to(recipient: Recipient | None, *, channel: str, rules: CountryRules, at: datetime) -> Objection | None:
    """The first objection at this moment in this order: erased, left, no lawful basis, consent expired, not enough for
    the country, no address or number."""
    if recipient is None:
        return Objection(Reason.ERASED, "The person has been erased; nobody can lift this.")
    if not recipient.is_active:
        return Objection(Reason.LEFT_COMPANY, "The person has left the company; whoever edits contacts can lift this.")
    return (_without_basis(recipient, at) or _not_enough(recipient, channel, rules)
            or _without_address(recipient, channel))


def _without_basis(recipient: Recipient, at: datetime) -> Objection | None:
    if recipient.lawful_basis == "none":
        return Objection(Reason.NO_BASIS, "No lawful basis is on file; whoever records one with its source lifts this.")
    if recipient.lawful_basis != CONSENT or not is_implied(recipient.consent_kind):
        return None
    ended_on = last_day(recipient.consent_kind, recipient.basis_on)
    if ended_on is None or at.astimezone(ZoneInfo(recipient.zone or "UTC")).date() <= ended_on:
        return None
    return Objection(Reason.CONSENT_EXPIRED, expired(recipient.consent_kind, ended_on))


def expired(consent_kind: str | None, ended_on: date) -> str:
    """The sentence about implied consent that has ended."""
    after = "a purchase" if consent_kind == IMPLIED_PURCHASE else "an inquiry"
    until = "has no day on file, so it counts as expired"
    if ended_on > date.min:
        until = f"expired on {ended_on.isoformat()}"
    return f"The consent implied by {after} {until}; a newer one with its day, or express consent, lifts this."


def _not_enough(recipient: Recipient, channel: str, rules: CountryRules) -> Objection | None:
    """What the table of countries says of the basis; it is about e-mail alone."""
    if channel != Channel.EMAIL:
        return None
    basis, allowed = base_of(recipient.lawful_basis, recipient.consent_kind), rules.allowed(recipient.country)
    if basis not in allowed:
        return Objection(Reason.CONSENT_NEEDED, _asks_more(recipient.country, basis, allowed))
    if basis != LEGITIMATE_INTEREST or rules.reaches_free_mail:
        return None
    domain = (recipient.email or "").rpartition("@")[2].strip().lower()
    if domain not in free_mail_domains():
        return None
    return Objection(Reason.CONSENT_NEEDED, f"A legitimate interest is for business addresses and {domain} is a free "
                                            "mail service; the person's consent lifts this.")


def _asks_more(country: str, basis: str, allowed: Collection[str]) -> str:
    place, has = country or "A country that is not known", basis.replace("_", " ")
    if not allowed:
        return f"Nobody is written to in {place}; the table of countries in Settings can lift this."
    enough = " or ".join(one.replace("_", " ") for one in BASES if one in allowed)
    lifts = "the person's consent" if CONSENT in allowed else "such a basis"
    return f"{place} asks for {enough} before e-mail and the basis is {has}; {lifts} lifts this."


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
