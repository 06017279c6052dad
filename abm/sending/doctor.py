"""What `abm doctor` says about senders: pauses, and the records of their domains, asked within three seconds in all."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.sending.actions import examine, examine_identity
from abm.sending.queries import Standing, get_operators_health, list_standings
from campaigns.complaint_days import list_complaint_days
from campaigns.models import Campaign, Mailbox
from campaigns.sending.dns_asking import Asker
from campaigns.sending.domain_check import Subject
from campaigns.states import CampaignState
from core import clock
from core.db import reading
from core.settings import settings

# (name, level, what was seen, what to do)
Seen = tuple[str, str, str, str]


def look_at_senders() -> Iterator[Seen]:
    """One line per identity that is paused or unverified, and per finding about its domain."""
    with reading() as session:
        yield from _look_at_installation(session)
        standings = [one for one in list_standings(session) if one.identity.is_active]
        subjects = [examine_identity(session, identity_id=one.identity.id) for one in standings]
        for one in standings:
            yield from _look_at_one(one)
        yield from _look_at_mailboxes(session)
        for day in list_complaint_days(session):
            yield ("complaints", "error" if day.is_grave else "warning", day.sentence,
                   "look at whom these campaigns go to and what they promise")
        known = {subject.domain for subject in subjects}
        subjects += [one for one in _campaign_senders(session) if one.domain not in known]
    yield from _look_at_domains(subjects)


def _look_at_domains(subjects: Sequence[Subject]) -> Iterator[Seen]:
    """Identities of one domain share its records and differ in their keys: what is the same is said once."""
    lookup, told = Asker(), set()
    for subject in subjects:
        for found in examine(subject, lookup):
            seen = f"{found.what} of {subject.domain}", found.level, found.text, found.fix
            if seen not in told:
                told.add(seen)
                yield seen


def _look_at_installation(session: Session) -> Iterator[Seen]:
    if get_company(session).restored_at:
        yield ("sending", "warning", "this copy was restored from a backup and sends nothing",
               "when the original no longer sends: `abm campaigns release`")
    operators = get_operators_health(session)
    if operators and operators.paused_until and operators.paused_until > clock.now():
        yield ("relay", "error", f"ABM_MAIL_URL is left alone until {operators.paused_until:%H:%M} UTC: "
                                 f"{operators.reason}", "mend it, then `abm senders try-now`")


def _campaign_senders(session: Session) -> list[Subject]:
    """The domains that campaigns send from through the operator's relay, without an identity of their own."""
    if urlsplit(settings().mail_url).scheme == "outbox":
        return []
    senders = session.scalars(select(Campaign.definition["sender"]["email"].as_string())
                              .where(Campaign.state.in_(_SENDS)).distinct().limit(200))
    envelope = settings().bounce_address.rpartition("@")[2].lower()
    domains = {address.rpartition("@")[2].strip().lower() for address in senders if address and "@" in address}
    return [Subject(domain, envelope_domain=envelope) for domain in sorted(domains)]


_SENDS = (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.PAUSED)


def _look_at_mailboxes(session: Session) -> Iterator[Seen]:
    """Where bounces, complaints and answers come back: each mailbox as it is now and as it was last read."""
    boxes = session.scalars(select(Mailbox).where(Mailbox.is_active.is_(True)).order_by(Mailbox.name)).all()
    if not boxes and settings().bounce_address:
        yield ("mailboxes", "warning", f"nobody reads what comes to {settings().bounce_address}",
               "add its mailbox under Settings, Receiving, or by `abm mailboxes add`")
    for box in boxes:
        problem = box.problem or _unreadable_folder(box)
        name = f"mailbox {box.name}"
        if problem:
            yield name, "error", f"cannot be read: {problem}", "mend it, then `abm mailboxes poll`"
        elif box.checked_at is None or box.checked_at < clock.now() - _SILENT:
            when = f"was last read on {box.checked_at:%Y-%m-%d %H:%M} UTC" if box.checked_at else "was never read"
            yield name, "warning", when, "run bin/start or `abm work`, which look into it every minute"
        else:
            yield name, "ok", f"{box.messages:,} messages read, the last look at {box.checked_at:%H:%M} UTC", ""


_SILENT = timedelta(minutes=15)


def _unreadable_folder(box: Mailbox) -> str:
    if box.kind != "maildir":
        return ""
    missing = [part for part in ("new", "cur") if not os.access(Path(box.folder) / part, os.R_OK | os.W_OK | os.X_OK)]
    return f"{box.folder} has no folder {missing[0]} that can be read and written" if missing else ""


def _look_at_one(one: Standing) -> Iterator[Seen]:
    name = f"sender {one.identity.email}"
    if one.is_paused and one.health and one.identity.kind != "operator":
        yield name, "error", f"paused: {one.health.reason}", f"mend it, then `abm senders try-now {one.identity.email}`"
    if one.identity.verified_at is None:
        yield name, "warning", "not verified", "check its records under Settings, Sending identities, and vouch for it"
