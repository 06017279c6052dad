"""Everybody a campaign means now, with what the gate would say of each: the ground of the launch check and the dry run.

Nothing is changed or drawn. People are read in chunks of whole accounts; only their numbers are kept meanwhile.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from campaigns.definition import Definition, parse
from campaigns.due_times import DueTimes
from campaigns.eligibility import Objection, address_of, objection_to
from campaigns.facts import RunFacts
from campaigns.holdout import Preview, preview_holdout
from campaigns.models import Campaign
from campaigns.outside import Policy, Recipient, outside
from campaigns.refusals import find_refusals
from campaigns.states import Channel, Reason
from campaigns.suppressed import find_suppressed
from campaigns.waves import find_waves, wave_start

CHUNK = 5_000
Told = Callable[[int, int], None]
_SAME_MAILBOX = Objection(Reason.SAME_MAILBOX, "Somebody else of this campaign is reached at the same mailbox.")
_HELD_OUT = Objection(Reason.HELD_OUT, "The account is held out.")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A person the campaign means, what speaks against the step, and when the first step would be due.

    `is_later_wave`: others of the account begin before."""

    recipient: Recipient
    objection: Objection | None
    due_at: datetime
    is_later_wave: bool = False


def facts_of(campaign: Campaign) -> RunFacts:
    """The facts that a run of the campaign as it is now would have; `run_id` 0 stands for no run."""
    definition = parse(campaign.definition)
    return RunFacts(0, campaign.id, campaign.name, 0, definition.purpose, definition.priority,
                    definition.is_cap_exempt, definition)


def select_people(session: Session, definition: Definition) -> Select[Any]:
    return outside().people.select_members(session, list_name=definition.list_name, roles=definition.people.roles,
                                           per_account=definition.people.per_account)


def draw_preview(session: Session, campaign: Campaign) -> Preview:
    """Whom a launch now would leave alone."""
    definition = facts_of(campaign).definition
    return preview_holdout(session, campaign_id=campaign.id, percent=definition.holdout_percent,
                           members=select_people(session, definition))


def tell_nobody(_done: int, _total: int) -> None:
    """For those who do not wait for the end."""


def survey(session: Session, campaign: Campaign, *, position: int, at: datetime, held_out: frozenset[int],
           told: Told = tell_nobody) -> Iterator[list[Surveyed]]:
    """Chunks of people, judged for the step at `position`; the due time is that of a launch at `at`.

    `told` hears after each chunk how many people of how many are behind us; who asks for the next one is done with it.
    """
    facts, policy = facts_of(campaign), outside().company.policy(session)
    members = select_people(session, facts.definition)
    judge = _Judge(facts, policy, position, held_out, _shared_mailboxes(session, members), set(), at)
    due = DueTimes(facts, policy)
    for contact_ids, done, total in _chunks_of_people(session, members):
        recipients = outside().people.recipients(session, contact_ids)
        stops = find_suppressed(session, recipients.values(), purpose=facts.purpose)
        accounts = {contact_id: person.account_id for contact_id, person in recipients.items()}
        stops = {**find_refusals(session, facts, accounts, at=at, is_return=True), **stops}
        waves = find_waves(session, facts, recipients)
        begins = {contact_id: wave_start(facts, waves.get(contact_id, ()), due, at, person)
                  for contact_id, person in recipients.items()}
        yield [Surveyed(person, judge.objection(person, stops.get(contact_id)),
                        due.due_at(facts.definition.steps[0].after, begins[contact_id], person),
                        begins[contact_id] > at)
               for contact_id, person in sorted(recipients.items())]
        told(done, total)


def _chunks_of_people(session: Session, members: Select[Any]) -> Iterator[tuple[list[int], int, int]]:
    """Contact ids, all those of an account in one chunk, with how many are read then and how many there are."""
    people = members.subquery()
    rows = session.execute(select(people.c.contact_id, people.c.account_id)
                           .order_by(people.c.account_id, people.c.contact_id).execution_options(yield_per=CHUNK))
    contacts, accounts = array("q"), array("q")
    for contact_id, account_id in rows:
        contacts.append(contact_id)
        accounts.append(account_id)
    start = 0
    while start < len(contacts):
        end = min(start + CHUNK, len(contacts))
        while end < len(contacts) and accounts[end] == accounts[end - 1]:
            end += 1
        yield contacts[start:end].tolist(), end, len(contacts)
        start = end


def _shared_mailboxes(session: Session, members: Select[Any]) -> frozenset[str]:
    """Addresses that several of these people have."""
    people, current = members.subquery(), outside().people.select_current(session).subquery()
    address = func.lower(func.trim(current.c.email))
    rows = session.scalars(select(address).join(people, people.c.contact_id == current.c.contact_id)
                           .where(current.c.email.is_not(None)).group_by(address).having(func.count() > 1))
    return frozenset(row.casefold() for row in rows)


@dataclass(frozen=True)
class _Judge:
    facts: RunFacts
    policy: Policy
    position: int
    held_out: frozenset[int]
    shared: frozenset[str]
    used: set[str]
    at: datetime

    def objection(self, person: Recipient, stop: Objection | None) -> Objection | None:
        if person.account_id in self.held_out:
            return _HELD_OUT
        channel = self.facts.definition.steps[self.position].channel
        found = stop or objection_to(person, channel=channel, rules=self.policy.country_rules, at=self.at)
        if found is None and channel == Channel.EMAIL:
            address = (address_of(person, channel) or "").casefold()
            if address in self.used:
                return _SAME_MAILBOX
            if address in self.shared:
                self.used.add(address)
        return found
