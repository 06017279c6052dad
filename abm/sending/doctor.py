"""What `abm doctor` says about senders: pauses, and the records of their domains, asked within three seconds in all."""

from collections.abc import Iterator

from abm.sending.actions import examine, examine_identity
from abm.sending.queries import get_operators_health, list_standings
from campaigns.sending.dns_asking import Asker
from campaigns.sending.domain_check import Subject
from core import clock
from core.db import reading

# (name, level, what was seen, what to do)
Seen = tuple[str, str, str, str]


def look_at_senders() -> Iterator[Seen]:
    """One line per identity that is paused or unverified, and per finding about its domain."""
    subjects: dict[str, Subject] = {}
    with reading() as session:
        operators = get_operators_health(session)
        if operators and operators.paused_until and operators.paused_until > clock.now():
            yield "relay", "error", f"ABM_MAIL_URL is left alone until {operators.paused_until:%H:%M} UTC: " \
                                    f"{operators.reason}", "mend it, then `abm senders try-now`"
        for one in list_standings(session):
            if not one.identity.is_active:
                continue
            subjects[one.identity.domain] = examine_identity(session, identity_id=one.identity.id)
            if one.is_paused and one.health and one.identity.kind != "operator":
                yield f"sender {one.identity.email}", "error", f"paused: {one.health.reason}", \
                    f"mend it, then `abm senders try-now {one.identity.email}`"
            if one.identity.verified_at is None:
                yield f"sender {one.identity.email}", "warning", "not verified", \
                    "check its records under Settings, Sending identities, and vouch for it"
    lookup = Asker()
    for domain, subject in subjects.items():
        for found in examine(subject, lookup):
            yield f"{found.what} of {domain}", found.level, found.text, found.fix
