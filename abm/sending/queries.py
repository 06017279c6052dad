"""Reading sending identities, what they have used of today, and what speaks against a sender."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.free_mail import is_free_mail
from campaigns.models import RelayHealth, SendingIdentity
from campaigns.sending.allowances import day_of, limit_on, used_on
from campaigns.sending.routes import find_identity, route_of
from core import clock
from core.errors import NotFound

REFUSE, WARN = "refuse", "warn"


@dataclass(frozen=True, slots=True)
class Standing:
    """An identity with today's use of its day limit (0: no limit) and its relay's health."""

    identity: SendingIdentity
    used_today: int
    limit_today: int
    health: RelayHealth | None

    @property
    def is_paused(self) -> bool:
        health = self.health
        return bool(health and health.paused_until and health.paused_until > clock.now())

    @property
    def state(self) -> str:
        if not self.identity.is_active:
            return "stopped"
        return "paused" if self.is_paused else "active"


def get_identity(session: Session, identity_id: int) -> SendingIdentity:
    found = session.get(SendingIdentity, identity_id)
    if found is None:
        raise NotFound(f"There is no sending identity {identity_id}")
    return found


def get_identity_by_email(session: Session, email: str) -> SendingIdentity:
    found = session.scalar(select(SendingIdentity).where(SendingIdentity.email == email.strip().lower()))
    if found is None:
        raise NotFound(f"There is no sending identity {email}; see `abm senders list`")
    return found


def list_standings(session: Session) -> list[Standing]:
    return [get_standing(session, one) for one in session.scalars(
        select(SendingIdentity).order_by(SendingIdentity.is_active.desc(), SendingIdentity.name, SendingIdentity.id))]


def get_standing(session: Session, identity: SendingIdentity) -> Standing:
    route, day = route_of(identity), day_of(session, clock.now())
    return Standing(identity, used_on(session, identity.id, day.window), limit_on(route, day),
                    session.get(RelayHealth, route.health_id))


def get_operators_health(session: Session) -> RelayHealth | None:
    """How the relay of ABM_MAIL_URL answers; None when it never failed."""
    return session.get(RelayHealth, 0)


def find_sender_findings(session: Session, email: str, *, is_strict: bool) -> Iterator[tuple[str, str]]:
    """What speaks against sending as this address: (refuse or warn, sentence). Asks nobody: stored checks count.

    A sender without an identity goes through the operator's relay and counts as verified by the operator, unless
    sending is strict.
    """
    identity = find_identity(session, email)
    domain = email.rpartition("@")[2].lower()
    is_verified = identity is not None and identity.verified_at is not None
    if is_free_mail(domain) and not is_verified:
        yield REFUSE, (f"{email} belongs to a free mail service, whose own rules make receivers refuse it; use an "
                       "address of your own domain.")
    if is_strict and not is_verified:
        yield REFUSE, (f"Sending is strict and {email} is not a verified sending identity; an admin can verify it "
                       "under Settings, Sending identities.")
    if identity is None:
        return
    for finding in identity.findings or []:
        if finding["level"] != "ok":
            level = REFUSE if is_strict and finding["level"] == "error" and not is_verified else WARN
            yield level, f"Sender {email}: {finding['text']}; {finding['fix']}.".replace("; .", ".")
    if identity.checked_at is None:
        yield WARN, f"The DNS records of {domain} were never checked; do it on the sending identity's page."
