"""Everybody a campaign means now, with what the gate would say of each: the ground of the launch check and the dry run.

Nothing is changed or drawn. People are read in chunks; what is kept of each is a few words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from campaigns.definition import Definition, parse
from campaigns.due_times import DueTimes
from campaigns.eligibility import Objection, address_of, objection_to
from campaigns.facts import RunFacts
from campaigns.holdout import preview_holdout
from campaigns.keys import address_key
from campaigns.models import Campaign
from campaigns.outside import Policy, Recipient, outside
from campaigns.refusals import find_refusals
from campaigns.states import Channel, Reason
from campaigns.suppressed import find_suppressed
from campaigns.waves import find_waves, wave_start

CHUNK = 5_000
_SAME_MAILBOX = Objection(Reason.SAME_MAILBOX, "Somebody else of this campaign is reached at the same mailbox.")
_HELD_OUT = Objection(Reason.HELD_OUT, "The account is held out.")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A person the campaign means, what speaks against the step, and when the first step would be due."""

    recipient: Recipient
    objection: Objection | None
    due_at: datetime


def facts_of(campaign: Campaign) -> RunFacts:
    """The facts that a run of the campaign as it is now would have; `run_id` 0 stands for no run."""
    definition = parse(campaign.definition)
    return RunFacts(0, campaign.id, campaign.name, 0, definition.purpose, definition.priority,
                    definition.is_cap_exempt, definition)


def select_people(session: Session, definition: Definition) -> Select[Any]:
    return outside().people.select_members(session, list_name=definition.list_name, roles=definition.people.roles,
                                           per_account=definition.people.per_account)


def survey(session: Session, campaign: Campaign, *, position: int, at: datetime) -> Iterator[list[Surveyed]]:
    """Chunks of people, judged for the step at `position`; the due time is that of a launch at `at`."""
    facts, policy = facts_of(campaign), outside().company.policy(session)
    members = select_people(session, facts.definition)
    held_out = preview_holdout(session, campaign_id=campaign.id, percent=facts.definition.holdout_percent,
                               members=members)
    judge = _Judge(facts, policy, position, held_out, set())
    due = DueTimes(facts, policy)
    for contact_ids in _chunks_of_people(session, members):
        recipients = outside().people.recipients(session, contact_ids)
        stops = find_suppressed(session, recipients.values(), purpose=facts.purpose)
        accounts = {contact_id: person.account_id for contact_id, person in recipients.items()}
        stops = {**find_refusals(session, facts, accounts, at=at, is_return=True), **stops}
        waves = find_waves(session, facts, recipients)
        yield [Surveyed(person, judge.objection(person, stops.get(person.contact_id)),
                        due.due_at(facts.definition.steps[0].after,
                                   wave_start(facts, waves.get(person.contact_id, ()), due, at, person), person))
               for _id, person in sorted(recipients.items())]


def _chunks_of_people(session: Session, members: Select[Any]) -> Iterator[list[int]]:
    people = members.subquery()
    contact_ids = list(session.scalars(select(people.c.contact_id).order_by(people.c.contact_id)))
    for start in range(0, len(contact_ids), CHUNK):
        yield contact_ids[start:start + CHUNK]


@dataclass(frozen=True)
class _Judge:
    facts: RunFacts
    policy: Policy
    position: int
    held_out: frozenset[int]
    used_mailboxes: set[str]

    def objection(self, person: Recipient, stop: Objection | None) -> Objection | None:
        if person.account_id in self.held_out:
            return _HELD_OUT
        channel = self.facts.definition.steps[self.position].channel
        found = stop or objection_to(person, channel=channel, consent_countries=self.policy.consent_countries)
        if found is None and channel == Channel.EMAIL:
            key = address_key(address_of(person, channel) or "")
            if key in self.used_mailboxes:
                return _SAME_MAILBOX
            self.used_mailboxes.add(key)
        return found
