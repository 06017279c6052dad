"""What `abm doctor` says about senders: pauses, and the records of their domains, asked within three seconds in all."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.sending.actions import examine, examine_identity
from abm.sending.queries import Standing, get_operators_health, list_standings
from campaigns.sending.dns_asking import Asker
from core import clock
from core.db import reading

# (name, level, what was seen, what to do)
Seen = tuple[str, str, str, str]


def look_at_senders() -> Iterator[Seen]:
    """One line per identity that is paused or unverified, and per finding about its domain."""
    with reading() as session:
        yield from _look_at_installation(session)
        standings = [one for one in list_standings(session) if one.identity.is_active]
        subjects = {one.identity.domain: examine_identity(session, identity_id=one.identity.id) for one in standings}
        for one in standings:
            yield from _look_at_one(one)
    lookup = Asker()
    for domain, subject in subjects.items():
        for found in examine(subject, lookup):
            yield f"{found.what} of {domain}", found.level, found.text, found.fix


def _look_at_installation(session: Session) -> Iterator[Seen]:
    if get_company(session).restored_at:
        yield ("sending", "warning", "this copy was restored from a backup and sends nothing",
               "when the original no longer sends: `abm campaigns release`")
    operators = get_operators_health(session)
    if operators and operators.paused_until and operators.paused_until > clock.now():
        yield ("relay", "error", f"ABM_MAIL_URL is left alone until {operators.paused_until:%H:%M} UTC: "
                                 f"{operators.reason}", "mend it, then `abm senders try-now`")


def _look_at_one(one: Standing) -> Iterator[Seen]:
    name = f"sender {one.identity.email}"
    if one.is_paused and one.health and one.identity.kind != "operator":
        yield name, "error", f"paused: {one.health.reason}", f"mend it, then `abm senders try-now {one.identity.email}`"
    if one.identity.verified_at is None:
        yield name, "warning", "not verified", "check its records under Settings, Sending identities, and vouch for it"
