"""What somebody may choose on the preference page: per purpose on or off, read from the stops that hold for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.consent import list_stops, purpose_of
from campaigns.models import ConsentEvent, Delivery, Run, Suppression
from campaigns.outside import outside
from campaigns.suppressed import ALL_PURPOSES
from core import clock

# What people set themselves; a bounce, a complaint or a stop of ours is not lifted by a link in an old message.
OWN_REASONS = frozenset({"unsubscribed", "opted_out", "opt_out"})
ASKED = "asked"
ASKED_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Preference:
    """One switch. `is_waiting`: asked to be on again, not confirmed yet; `is_fixed`: only the company can change it."""

    purpose: str
    is_on: bool
    is_waiting: bool = False
    is_fixed: bool = False


def list_preferences(session: Session, delivery: Delivery) -> list[Preference]:
    """A switch for every purpose of this message, of any campaign that was launched, and of any stop of the person."""
    stops = stops_of(session, delivery)
    purposes = {purpose_of(session, delivery), *session.scalars(select(Run.purpose).distinct()),
                *(stop.purpose for stop in stops)} - {ALL_PURPOSES}
    waiting, is_same = waiting_purposes(session, delivery.contact_id), has_same_address(session, delivery)
    return [_preference(purpose, stops, purpose in waiting, is_same) for purpose in sorted(purposes)]


def _preference(purpose: str, stops: Iterable[Suppression], is_waiting: bool, is_same: bool) -> Preference:
    holding = [stop for stop in stops if stop.purpose in (purpose, ALL_PURPOSES)]
    is_fixed = bool(holding) and (not is_same or any(not is_own(stop) for stop in holding))
    return Preference(purpose, not holding, is_waiting and bool(holding) and not is_fixed, is_fixed)


def is_own(stop: Suppression) -> bool:
    """Whether the person set this stop, by a link of ours."""
    return stop.reason in OWN_REASONS and stop.scope in ("contact", "address")


def stops_of(session: Session, delivery: Delivery) -> list[Suppression]:
    """The stops that hold for whoever got this delivery."""
    found = list_stops(session, address=delivery.address or "", contact_id=delivery.contact_id)
    found += session.scalars(select(Suppression).where(Suppression.scope == "account",
                                                       Suppression.key == str(delivery.account_id)))
    return [stop for stop in found if stop.lifted_at is None]


def waiting_purposes(session: Session, contact_id: int) -> set[str]:
    """Purposes that were asked for in the last 30 days and neither confirmed nor withdrawn since."""
    latest: dict[str, str] = {}
    for entry in session.scalars(select(ConsentEvent).where(
            ConsentEvent.contact_id == contact_id, ConsentEvent.at > clock.now() - ASKED_FOR)
            .order_by(ConsentEvent.id)):
        for purpose in [*latest] if entry.purpose == ALL_PURPOSES else [entry.purpose]:
            latest[purpose] = entry.kind
    return {purpose for purpose, kind in latest.items() if kind == ASKED}


def has_same_address(session: Session, delivery: Delivery) -> bool:
    """Whether the person is still reached at the address that this delivery went to."""
    recipient = outside().people.recipients(session, [delivery.contact_id]).get(delivery.contact_id)
    return bool(recipient and delivery.address
                and (recipient.email or "").strip().lower() == delivery.address.strip().lower())
