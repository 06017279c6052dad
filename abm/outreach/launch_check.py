"""The launch check as pages and commands show it: one sentence, the counts, the findings."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from abm.company.queries import company_today, get_company
from abm.contacts.models import Contact
from abm.contacts.names import full_name
from abm.offers.models import Offer
from abm.outreach.list_findings import find_list_findings
from abm.outreach.nobody import explain_nobody
from abm.outreach.power import Power, find_power
from abm.outreach.script_findings import find_script_faults
from abm.partners.queries import count_without_partner
from abm.plans.queries import failed_of, list_stopped
from abm.sending.queries import find_sender_findings
from abm.targets.models import ListMember, TargetList
from abm.users.models import User
from campaigns import launch_check as engine
from campaigns import lint
from campaigns.conflicts import Conflict, find_conflicts
from campaigns.definition import ACCOUNT_OWNER, ACCOUNT_PARTNER, CallStep, Definition, EmailStep, VisitStep, parse
from campaigns.headroom import Headroom, measure_headroom
from campaigns.models import Campaign
from campaigns.states import Reason
from campaigns.survey import Told, draw_preview, tell_nobody
from core import clock

REFUSE, WARN, NOTE = "refuse", "warn", "note"
_MOST_STOPPED = 100
_LEVELS = (REFUSE, WARN, NOTE)


@dataclass(frozen=True)
class Finding:
    """One thing to know before a launch. `level` is refuse, warn or note; `sample`: ids in the source system,
    `people`: ids of the same contacts here."""

    level: str
    what: str
    sentence: str
    count: int = 1
    sample: Sequence[str] = ()
    people: Sequence[int] = ()

    @property
    def is_refusal(self) -> bool:
        return self.level == REFUSE


@dataclass(frozen=True)
class LeftOut:
    """People who would not be written to, for one reason, with the ids of the first few contacts."""

    reason: str
    count: int
    people: Sequence[int]


@dataclass(frozen=True)
class LaunchCheck:
    """What a launch would do now: of `meant` people at `accounts` accounts, `people` would be written to.

    `starts` is the first due moment with that person's zone, None for at once.
    """

    campaign: str
    meant: int
    accounts: int
    people: int
    held_out: int
    left_out: Sequence[LeftOut]
    findings: Sequence[Finding]
    starts: tuple[datetime, str] | None = None
    has_own_zones: bool = False
    power: Power | None = None
    headroom: Headroom | None = None
    conflicts: Sequence[Conflict] = ()

    @property
    def is_blocked(self) -> bool:
        return any(finding.is_refusal for finding in self.findings)

    @property
    def left_out_total(self) -> int:
        return sum(group.count for group in self.left_out)

    @property
    def sentence(self) -> str:
        """`412 people will be written to from Monday 09:00 in their own zones; 38 are left out.`"""
        if not self.people:
            return "Nobody will be written to" + (f"; {self._left_out}." if self.left_out else ".")
        who = "1 person" if self.people == 1 else f"{self.people:,} people"
        return f"{who} will be written to {self._when}; {self._left_out}."

    @property
    def _left_out(self) -> str:
        return {0: "nobody is left out", 1: "1 is left out"}.get(self.left_out_total,
                                                                f"{self.left_out_total:,} are left out")

    @property
    def _when(self) -> str:
        if self.starts is None:
            return "from now on"
        local = self.starts[0].astimezone(ZoneInfo(self.starts[1]))
        zones = "in their own zones" if self.has_own_zones else f"({self.starts[1]})"
        return f"from {local:%A} {local.day} {local:%B %H:%M} {zones}"

    def as_json(self) -> dict[str, Any]:
        """What `check --json` answers."""
        return {
            "campaign": self.campaign, "blocked": self.is_blocked, "sentence": self.sentence, "people": self.people,
            "meant": self.meant, "accounts": self.accounts, "held_out": self.held_out,
            "left_out": {group.reason: group.count for group in self.left_out},
            "findings": [{"level": finding.level, "what": finding.what, "count": finding.count,
                          "sentence": finding.sentence, "sample": list(finding.sample)} for finding in self.findings],
            "power": self.power.as_json() if self.power else None,
            "headroom": asdict(self.headroom) if self.headroom else None,
            "conflicts": [asdict(one) for one in self.conflicts],
        }


def make_launch_check(session: Session, campaign: Campaign, *, told: Told = tell_nobody) -> LaunchCheck:
    """The present answer, counted over everybody the campaign means. Changes nothing."""
    definition, drawn = parse(campaign.definition), draw_preview(session, campaign)
    report = engine.report_launch(session, campaign=campaign, drawn=drawn, told=told)
    findings = [Finding(one.level.value, one.what,
                        explain_nobody(session, definition) if one.what == engine.NO_MEMBERS else one.sentence,
                        one.count, one.sample, one.contact_ids) for one in report.findings]
    findings = list({one.sentence: one for one in (*find_content_findings(definition), *findings)}.values())
    findings += _names_that_lead_nowhere(session, definition)
    findings += find_sender_objections(session, definition)
    findings += [Finding(*one) for one in find_list_findings(session, definition.list_name)]
    findings += _stopped_prospects(session, definition)
    power, conflicts = find_power(session, campaign, drawn), find_conflicts(session, campaign)
    findings += [Finding("note", "conflict", say_conflict(one), one.accounts) for one in conflicts]
    findings.append(Finding("note", "power", power.sentence, power.held_out))
    return LaunchCheck(
        campaign=campaign.name, meant=report.people, accounts=report.accounts, people=report.starting,
        held_out=report.held_out,
        left_out=[LeftOut(group.reason.value, group.count, group.contact_ids) for group in report.left_out
                  if group.reason != Reason.HELD_OUT],
        findings=sorted(findings, key=lambda finding: _LEVELS.index(finding.level)),
        starts=report.first_due if report.first_due and report.first_due[0] > clock.now() else None,
        has_own_zones=definition.window is None or definition.window.zone == "recipient", power=power,
        headroom=measure_headroom(session, campaign, at=clock.now()), conflicts=conflicts)


def say_conflict(one: Conflict) -> str:
    """How many accounts and people another campaign has under way here, and who waits for whom at a cap."""
    turn = ("it is more urgent and goes first at a cap" if one.goes_first
            else "where both meet a cap, the more urgent and then the earlier goes first")
    return (f"{one.title} is under way at {one.accounts:,} of these accounts, with {one.people:,} of the same people; "
            f"{turn}.")


def find_sender_objections(session: Session, definition: Definition) -> Iterator[Finding]:
    """What speaks against the sender, for campaigns that write e-mail."""
    if not any(isinstance(step, EmailStep) for step in definition.steps):
        return
    is_strict = get_company(session).is_sending_strict
    for level, sentence in find_sender_findings(session, definition.sender.email, is_strict=is_strict):
        yield Finding(level, "sender", sentence)


def find_content_findings(definition: Definition) -> Iterator[Finding]:
    """What the law or mail programs hold against the content; cheap, whatever the number of people."""
    for one in lint.lint(definition):
        yield Finding(REFUSE if one.level is lint.Level.BLOCK else WARN, "content", str(one))
    for step in definition.steps:
        for place, fault in find_script_faults(step):
            yield Finding(WARN, "content", f"Step {step.id}, {place}: {fault}")


def _names_that_lead_nowhere(session: Session, definition: Definition) -> Iterator[Finding]:
    today = company_today(session)
    for step in definition.steps:
        offer = session.scalar(select(Offer).where(Offer.name == step.offer)) if step.offer else None
        if step.offer and offer is None:
            yield Finding(WARN, "offer", f"Step {step.id} promises the offer {step.offer}, which does not exist; until "
                                         "somebody makes it, nobody gets that message.")
        elif offer is not None and not (offer.is_active and offer.valid_from <= today <= offer.valid_until):
            yield Finding(WARN, "offer", f"The offer {offer.name} of step {step.id} is not on today; while it is not, "
                                         "nobody gets that message.")
        assigned = step.assign_to if isinstance(step, CallStep | VisitStep) else ACCOUNT_OWNER
        if assigned == ACCOUNT_PARTNER:
            alone = count_without_partner(session, list_members(definition))
            if alone:
                yield Finding(NOTE, "assign_to", f"{alone:,} accounts of the list have no partner: what step {step.id} "
                                                 "asks for goes to their owners.", alone)
        elif assigned != ACCOUNT_OWNER and not _is_user(session, assigned):
            yield Finding(WARN, "assign_to", f"{assigned} of step {step.id} is no active user; it goes to "
                                             "the accounts' owners.")


def list_members(definition: Definition) -> Select[int]:
    """The ids of the accounts that stand in the campaign's list."""
    return (select(ListMember.account_id).join(TargetList, TargetList.id == ListMember.list_id)
            .where(TargetList.name == definition.list_name))


def _stopped_prospects(session: Session, definition: Definition) -> Iterator[Finding]:
    """Prospects of the list that are not written to, with the question they fail."""
    found = list_stopped(session, list_members(definition), limit=_MOST_STOPPED)
    if found:
        said = "; ".join(f"{account.name} ({', '.join(failed_of(row)).lower()})" for account, row in found[:3])
        count = f"{len(found)}{' or more' if len(found) == _MOST_STOPPED else ''}"
        yield Finding("note", "chase", f"{count} prospects of the list fail a question before the chase and are not "
                                       f"targeted: {said}.", len(found), [account.external_id for account, _ in found])


def _is_user(session: Session, email: str) -> bool:
    return session.scalar(select(User.id).where(User.email == email.lower(), User.is_active)) is not None


def get_left_out_names(session: Session, found: LaunchCheck) -> dict[int, str]:
    """The names of the examples by contact id; who has been erased since is missing."""
    ids = {person for group in found.left_out for person in group.people}
    ids.update(person for finding in found.findings for person in finding.people)
    return {person.id: full_name(person.first_name, person.last_name) or person.external_id
            for person in session.scalars(select(Contact).where(Contact.id.in_(ids)))}
