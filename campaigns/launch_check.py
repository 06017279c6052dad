"""What a launch would do now, and what speaks against it: findings with counts and examples."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from campaigns import caps
from campaigns.definition import Definition, EmailStep, LetterStep
from campaigns.holdout import Preview
from campaigns.missing_names import MissingNames
from campaigns.models import Campaign
from campaigns.outside import Recipient, outside
from campaigns.personalisation import ContentFailure
from campaigns.rendering import missing_values
from campaigns.sandbox_rules import ContentRefused
from campaigns.states import Reason
from campaigns.survey import Surveyed, Told, draw_preview, facts_of, survey, tell_nobody
from core import clock

SAMPLE = 5
_READ_AT_ONCE = 500
NO_MEMBERS = "no_members"
NO_POSTAL_ADDRESS = "no_postal_address"
LATER_WAVE = "later_wave"


class Level(StrEnum):
    """`refuse` keeps a launch from happening, `warn` is for people to weigh, `note` says what will simply be so."""

    REFUSE = "refuse"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is a word of `campaigns.states.Reason` or one of no_members, postal_address, no_postal_address, content,
    not_tested, later_wave. `sample`: ids of the first few people in the source system, `contact_ids`: here."""

    level: Level
    what: str
    count: int
    sentence: str
    sample: tuple[str, ...] = ()
    contact_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """People for whom the same reason speaks against the first step (or who are held out), with the first few's ids."""

    reason: Reason
    count: int
    contact_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LaunchReport:
    """What a launch now would do: `people` and `accounts` are all that the campaign means, `starting` would be written
    to, `left_out` would not, the frequent reasons first; those who only wait are in the findings.

    `first_due` is when the first of them gets something, with that person's zone; None when nobody does."""

    people: int
    accounts: int
    starting: int
    held_out: int
    left_out: tuple[Group, ...]
    findings: tuple[Finding, ...]
    first_due: tuple[datetime, str] | None = None

    @property
    def is_refused(self) -> bool:
        return any(finding.level is Level.REFUSE for finding in self.findings)


_SENTENCES: Mapping[str, tuple[Level, str]] = {
    Reason.SUPPRESSED: (Level.NOTE, "{n} are suppressed and get nothing."),
    Reason.UNSUBSCRIBED: (Level.NOTE, "{n} have unsubscribed and get nothing."),
    Reason.COMPLAINED: (Level.NOTE, "{n} have complained before and get nothing."),
    Reason.HARD_BOUNCE: (Level.NOTE, "{n} have an address that bounced for good and get nothing."),
    Reason.NO_BASIS: (Level.WARN, "{n} have no lawful basis on file and get nothing."),
    Reason.CONSENT_NEEDED: (Level.WARN, "{n} live where e-mail needs consent, have not given it and get no e-mail."),
    Reason.NO_ADDRESS: (Level.WARN, "{n} cannot be reached by the first step's channel."),
    Reason.LEFT_COMPANY: (Level.NOTE, "{n} have left their company and get nothing."),
    Reason.SAME_MAILBOX: (Level.NOTE, "{n} share a mailbox with somebody else and get nothing of their own."),
    Reason.HELD_OUT: (Level.NOTE, "{n} are held out to measure the effect."),
    Reason.EXCLUSIVE_ELSEWHERE: (Level.NOTE, "{n} are at accounts that another campaign has to itself."),
    Reason.BEEN_BEFORE: (Level.NOTE, "{n} took part before and the re-entry rule does not let them in again now."),
    Reason.OVER_CAP: (Level.WARN, "{n} would wait because their account or they are over the cap."),
    Reason.OUTSIDE_WINDOW: (Level.NOTE, "{n} would wait for their working window to open."),
    LATER_WAVE: (Level.NOTE, "{n} begin with a later wave, once the people of their account before them had time."),
    NO_POSTAL_ADDRESS: (Level.WARN, "{n} have no street and city on file and would not get the letter."),
    Reason.MISSING_VALUE: (Level.WARN, "{n} lack a value that the content prints and would not get that message."),
}


@dataclass
class _Tally:
    """Counts by finding, with the first few people of each."""

    people: int = 0
    starting: int = 0
    accounts: set[int] = field(default_factory=set)
    left_out: set[Reason] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[int]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    first_due: tuple[datetime, str] | None = None

    def add(self, what: str, contact_id: int) -> None:
        self.counts[what] += 1
        if self.counts[what] <= SAMPLE:
            self.samples.setdefault(what, []).append(contact_id)


def launch_check(session: Session, *, campaign: Campaign, at: datetime | None = None) -> list[Finding]:
    """The findings of `report_launch` alone."""
    return list(report_launch(session, campaign=campaign, at=at).findings)


def report_launch(session: Session, *, campaign: Campaign, at: datetime | None = None, drawn: Preview | None = None,
                  told: Told = tell_nobody) -> LaunchReport:
    """Everything worth knowing before a launch now, what refuses it first. Changes nothing.

    `drawn`: the lot, where it is known already. People are read and forgotten part by part.
    """
    held_out = (drawn or draw_preview(session, campaign)).accounts
    now, definition = at or clock.now(), facts_of(campaign).definition
    tally, broken = _Tally(), _broken_content(definition)
    position, contents = definition.first_delivering, MissingNames(definition)
    for chunk in survey(session, campaign, position=position, at=now, held_out=held_out, told=told):
        _count_chunk(session, definition, chunk, tally, now)
        _count_unposted(session, definition, chunk, tally)
        if not broken:
            _count_missing(session, contents, [one.recipient for one in chunk if one.objection is None], tally)
    findings = [*broken, *_basics(campaign, definition, tally), *_counted(session, tally)]
    findings.sort(key=lambda finding: list(Level).index(finding.level))
    groups = [Group(Reason(what), count, tuple(tally.samples[what])) for what, count in tally.counts.most_common()
              if what in tally.left_out]
    return LaunchReport(tally.people, len(tally.accounts), tally.starting, tally.counts[Reason.HELD_OUT],
                        tuple(groups), tuple(findings), tally.first_due)


def _count_chunk(session: Session, definition: Definition, chunk: list[Surveyed], tally: _Tally, now: datetime) -> None:
    reachable = [one for one in chunk if one.objection is None]
    tally.people, tally.starting = tally.people + len(chunk), tally.starting + len(reachable)
    tally.accounts.update(one.recipient.account_id for one in chunk)
    due = [(one.due_at, one.recipient.zone) for one in reachable]
    tally.first_due = min([*due, *([tally.first_due] if tally.first_due else [])], default=None)
    ledger = caps.open_ledger(session, accounts={one.recipient.account_id for one in reachable},
                              people={one.recipient.contact_id for one in reachable},
                              policy=outside().company.policy(session), at=now)
    channel = definition.steps[definition.first_delivering].channel
    for one in chunk:
        contact_id, account_id = one.recipient.contact_id, one.recipient.account_id
        if one.objection is not None:
            tally.add(one.objection.reason, contact_id)
            tally.left_out.add(one.objection.reason)
            continue
        if not definition.is_cap_exempt and ledger.admit(account_id=account_id, contact_id=contact_id, channel=channel,
                                                         at=now):
            tally.add(Reason.OVER_CAP, contact_id)
        if one.is_later_wave:
            tally.add(LATER_WAVE, contact_id)
        elif definition.steps[0].after.amount == 0 and one.due_at > now:
            tally.add(Reason.OUTSIDE_WINDOW, contact_id)


def _count_unposted(session: Session, definition: Definition, chunk: list[Surveyed], tally: _Tally) -> None:
    """People whom a letter step means and for whom there is nowhere to post it to."""
    steps = [step for step in definition.steps if isinstance(step, LetterStep)]
    meant = [one.recipient for one in chunk if one.objection is None
             and any(not step.roles or one.recipient.role in step.roles for step in steps)]
    if meant:
        known = outside().people.postal_addresses(session, [person.contact_id for person in meant])
        for person in meant:
            if person.contact_id not in known:
                tally.add(NO_POSTAL_ADDRESS, person.contact_id)


def _broken_content(definition: Definition) -> list[Finding]:
    """Content that no message can be made of, per step."""
    found = []
    for step in definition.steps:
        if isinstance(step, EmailStep):
            try:
                missing_values(definition, step, {})
            except ContentRefused as error:
                found.append(Finding(Level.REFUSE, "content", 1, f"Step {step.id} cannot be sent: {error}"))
            except ContentFailure:
                continue  # nobody's values are empty as these: people are looked at one by one
    return found


def _count_missing(session: Session, contents: MissingNames, people: list[Recipient], tally: _Tally) -> None:
    for start in range(0, len(people), _READ_AT_ONCE):
        part = people[start:start + _READ_AT_ONCE]
        values = outside().people.values(session, [person.contact_id for person in part])
        for person in part:
            if missing := contents.names(person, values[person.contact_id]):
                tally.add(Reason.MISSING_VALUE, person.contact_id)
                tally.missing.update(missing)


def _basics(campaign: Campaign, definition: Definition, tally: _Tally) -> Iterator[Finding]:
    if not tally.people:
        yield Finding(Level.REFUSE, NO_MEMBERS, 0, f"The list {definition.list_name} has nobody whom the campaign "
                                                   "means; check that it exists, its members and the roles.")
    has_email = any(isinstance(step, EmailStep) for step in definition.steps)
    if has_email and not definition.sender.postal_address:
        yield Finding(Level.REFUSE, "postal_address", 1, "The sender has no postal address, which messages must name.")
    if has_email and campaign.tested_at is None:
        yield Finding(Level.WARN, "not_tested", 1, "No test message has been sent since the last change.")


def _counted(session: Session, tally: _Tally) -> Iterator[Finding]:
    wanted = {contact_id for ids in tally.samples.values() for contact_id in ids}
    names = outside().people.external_ids(session, sorted(wanted)) if wanted else {}
    for what, count in tally.counts.most_common():
        level, sentence = _SENTENCES.get(what, (Level.NOTE, "{n} get nothing: " + what.replace("_", " ") + "."))
        sentence = sentence.format(n=f"{count:,} of {tally.people:,} people")
        if what == Reason.MISSING_VALUE:
            named = ", ".join(f"{name} ({many:,})" for name, many in tally.missing.most_common(SAMPLE))
            sentence = sentence.removesuffix(".") + f": {named}."
        known = tuple(contact_id for contact_id in tally.samples[what] if contact_id in names)
        yield Finding(level, str(what), count, sentence, tuple(names[one][0] for one in known), known)
