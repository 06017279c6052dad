"""T1: who takes part in a run, and the deliveries of a step, in chunks with the checkpoint in the same transaction.

A chunk of 2,000 people (SQLite: 250) is read, decided and inserted with a handful of statements. The decisions are made
here and not in SQL because two of their inputs exist only in Python: addresses are compared by keyed digests, whose key
never reaches the database, and due times follow the calendar of each zone. Both cost a few microseconds a person.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from campaigns.definition_values import SILENT
from campaigns.due_times import DueTimes, select_intended
from campaigns.eligibility import Objection, address_of, objection_to, objection_to_role
from campaigns.facts import RunFacts
from campaigns.holdout import draw_holdout
from campaigns.inserting import insert_ignoring, insert_returning
from campaigns.keys import address_key
from campaigns.models import ApprovedMember, Delivery, Enrolment, HoldoutAccount, Run
from campaigns.outside import Policy, Recipient, outside
from campaigns.refusals import find_refusals, select_returning
from campaigns.runs import get_run_facts
from campaigns.states import Channel, DeliveryState, EnrolmentOrigin, EnrolmentState, Reason, RunKind, RunState
from campaigns.suppressed import find_suppressed
from campaigns.waves import find_waves, wave_start
from core import clock
from core.db import is_postgres
from core.id_lists import is_among

CHUNK = 2_000
EXPIRES_AFTER = timedelta(days=30)
_ANALYSED = ("delivery", "batch", "cap_bucket", "enrolment", "touch")


class Participant(NamedTuple):
    """A person of a run for whom a step is planned."""

    enrolment_id: int
    account_id: int
    contact_id: int


def plan_chunk(session: Session, run_id: int, *, size: int = CHUNK) -> bool:
    """Enrol the next `size` people of a run that is being planned; True while there may be more.

    The run's row is locked, and its checkpoint moves in the same transaction: after a crash the next call goes on where
    the last committed chunk ended, and two planners take turns. The last chunk sets the run active.
    """
    run = session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.state != RunState.PLANNING:
        return False
    facts, now = get_run_facts(session, run_id), clock.now()
    if run.enrolled_up_to == 0:
        draw_holdout(session, campaign_id=run.campaign_id, percent=run.holdout_percent, at=now,
                     members=select_intended(session, facts, per_account=None))
    seen, people = _next_people(session, run, facts, size)
    came = Entry(EnrolmentOrigin.REENTRY if run.kind == RunKind.REENTRY else EnrolmentOrigin.LAUNCH)
    enrol(session, facts, people, at=run.launched_at if run.launched_at <= now else now, entry=came)
    if seen:
        run.enrolled_up_to = seen[-1].contact_id
    if len(seen) < size:
        run.state = RunState.ACTIVE
        session.flush()
        _refresh_statistics(session)
        return False
    return True


def _next_people(session: Session, run: Run, facts: RunFacts, size: int
                 ) -> tuple[Sequence[Row[int, int]], list[tuple[int, int, bool]]]:
    """The next (contact_id, account_id) after the checkpoint, and of them who is enrolled, with whether they still
    match: the approved members. With continuous enrolment only those who still match, within the limit per account;
    others who match by now come as newcomers.

    Every chunk looks up its own people: ranking the whole list for each would grow with its square.
    """
    approved = (select(ApprovedMember.contact_id, ApprovedMember.account_id)
                .where(ApprovedMember.approval_id == run.approval_id))
    is_return = run.kind == RunKind.REENTRY
    people = (select_returning(session, facts, run.launched_at) if is_return else approved).subquery()
    seen = session.execute(select(people.c.contact_id, people.c.account_id)
                           .where(people.c.contact_id > run.enrolled_up_to)
                           .order_by(people.c.contact_id).limit(size)).all()
    if is_return:
        return seen, [(row.contact_id, row.account_id, True) for row in seen]
    matching = _find_matching(session, run, facts, [row.contact_id for row in seen]) if seen else {}
    if facts.definition.is_continuous:
        return seen, [(contact_id, account_id, True) for contact_id, account_id in matching.items()]
    return seen, [(row.contact_id, row.account_id, row.contact_id in matching) for row in seen]


def _find_matching(session: Session, run: Run, facts: RunFacts, contact_ids: Sequence[int]) -> dict[int, int]:
    """Of the approved those who are still meant, with their account now. The limit per account was applied at approval:
    a colleague who came since then takes nobody's place, but where newcomers are taken in."""
    definition, now = facts.definition, outside().people.select_current(session).subquery()
    accounts = session.scalars(select(now.c.account_id).where(is_among(now.c.contact_id, contact_ids)))
    limit = definition.people.per_account if definition.is_continuous else None
    people = select_intended(session, facts, per_account=limit, accounts=set(accounts)).subquery()
    rows = session.execute(
        select(people.c.contact_id, people.c.account_id)
        .join(ApprovedMember, ApprovedMember.contact_id == people.c.contact_id)
        .where(ApprovedMember.approval_id == run.approval_id,
               ApprovedMember.contact_id.between(contact_ids[0], contact_ids[-1])).order_by(people.c.contact_id))
    return {contact_id: account_id for contact_id, account_id in rows}


@dataclass(frozen=True, slots=True)
class Entry:
    """How people come into a run; `replaces`: by contact id the enrolment whose place they take."""

    origin: EnrolmentOrigin = EnrolmentOrigin.LAUNCH
    replaces: Mapping[int, int] = field(default_factory=dict)


def enrol(session: Session, run: RunFacts, people: Sequence[tuple[int, int, bool]], *, at: datetime,
          entry: Entry | None = None) -> int:
    """Enrol these (contact id, account id, still matches) with the first step's deliveries; how many were new.

    Held-out people are enrolled too, so that their ghosts follow the same steps; they get no delivery. Who begins in a
    later wave waits, as does everybody where the first step is a wait or branch or only for some roles.
    """
    if not people:
        return 0
    came = entry or Entry()
    accounts = {contact_id: account_id for contact_id, account_id, _matches in people}
    recipients = outside().people.recipients(session, list(accounts))
    due = DueTimes(run, outside().company.policy(session))
    refused = {**find_refusals(session, run, accounts, at=at, is_return=came.origin == EnrolmentOrigin.LAUNCH),
               **{contact_id: _GONE for contact_id, _account, matches in people if not matches}}
    waves = {} if came.replaces else find_waves(session, run, recipients)
    delay = run.definition.steps[0].after
    first = {contact_id: due.due_at(delay, wave_start(run, waves.get(contact_id, ()), due, at, person), person)
             for contact_id in accounts for person in (recipients.get(contact_id),)}
    held_out = find_held_out(session, run, accounts.values())
    waits = {contact_id for contact_id, account_id in accounts.items()
             if account_id in held_out or (contact_id not in refused and _begins_later(run, waves.get(contact_id, ())))}
    rows = [_enrolment_row(run, came, contact_id, account_id, at) | {
                "wave": waves[contact_id][-1] if waves.get(contact_id) else 0,
                "next_due_at": first[contact_id] if contact_id in waits else None,
                "next_position": 0 if contact_id in waits else run.definition.first_delivering + 1,
                "end_reason": Reason.HELD_OUT.value if account_id in held_out else None}
            for contact_id, account_id, _matches in people]
    made = insert_returning(session, Enrolment, rows, Enrolment.id, Enrolment.account_id, Enrolment.contact_id)
    participants = [Participant(row[0], row[1], row[2]) for row in sorted(made) if row[2] not in waits]
    plan_step(session, run, participants, position=run.definition.first_delivering, due=first, refused=refused,
              recipients=recipients)
    return len(made)


_GONE = Objection(Reason.NO_LONGER_MATCHES, "The person was approved and no longer matches list or roles.")


def _begins_later(run: RunFacts, waves: Sequence[int]) -> bool:
    """Whether the first step is not simply planned: a later wave, a wait or branch, or a step for some roles."""
    first = run.definition.steps[0]
    return len(waves) > 1 or first.channel in SILENT or bool(first.roles)


def _enrolment_row(run: RunFacts, came: Entry, contact_id: int, account_id: int, at: datetime) -> dict[str, Any]:
    return {"run_id": run.run_id, "account_id": account_id, "contact_id": contact_id, "state": EnrolmentState.ACTIVE,
            "enrolled_at": at, "origin": came.origin, "replaces_id": came.replaces.get(contact_id)}


def find_held_out(session: Session, run: RunFacts, account_ids: Collection[int]) -> frozenset[int]:
    if not run.definition.holdout_percent:
        return frozenset()
    return frozenset(session.scalars(select(HoldoutAccount.account_id).where(
        HoldoutAccount.campaign_id == run.campaign_id, HoldoutAccount.is_held_out,
        HoldoutAccount.account_id.in_(set(account_ids)))))


def plan_step(session: Session, run: RunFacts, people: Sequence[Participant], *, position: int,
              due: Mapping[int, datetime], refused: Mapping[int, Objection] | None = None,
              recipients: Mapping[int, Recipient] | None = None) -> None:
    """Write the step's delivery for each of these people: queued, or suppressed with its reason (stated at once).

    `due`: when, by contact id. `refused`: what speaks against somebody beside their own facts, by contact id.
    """
    facts = recipients if recipients is not None else outside().people.recipients(
        session, [person.contact_id for person in people])
    stops = find_suppressed(session, facts.values(), purpose=run.purpose)
    rows = list(_delivery_rows(session, run, people, position, _Knowledge(facts, stops, refused or {}, due)))
    insert_ignoring(session, Delivery, rows)


class _Knowledge(NamedTuple):
    recipients: Mapping[int, Recipient]
    stops: Mapping[int, Objection]
    refused: Mapping[int, Objection]
    due: Mapping[int, datetime]


def _delivery_rows(session: Session, run: RunFacts, people: Sequence[Participant], position: int,
                   known: _Knowledge) -> Iterator[dict[str, Any]]:
    step, policy, now = run.definition.steps[position], outside().company.policy(session), clock.now()
    keys = _mailboxes(people, known.recipients) if step.channel == Channel.EMAIL else {}
    used = _used_mailboxes(session, run.run_id, position, set(keys.values()))
    for person in people:
        recipient = known.recipients.get(person.contact_id)
        objection = _objection(person, recipient, step.channel, (run, known, policy, now))
        key = keys.get(person.contact_id)
        if objection is None and key in used:
            objection = Objection(Reason.SAME_MAILBOX, "Somebody else of this run is reached at the same mailbox.")
        if objection is None and key is not None:
            used.add(key)
        due_at = known.due[person.contact_id]
        yield {
            "run_id": run.run_id, "version_id": run.version_id, "enrolment_id": person.enrolment_id,
            "account_id": person.account_id, "contact_id": person.contact_id, "position": position, "step": step.id,
            "channel": step.channel, "generation": 1,
            "address": address_of(recipient, step.channel) if recipient else None,
            "address_key": None if objection else key, "due_at": due_at, "planned_at": now,
            "expires_at": due_at + EXPIRES_AFTER, "ended_at": now if objection else None,
            "state": DeliveryState.SUPPRESSED if objection else DeliveryState.QUEUED,
            "reason": objection.reason.value if objection else None, "detail": objection.detail if objection else None,
        }


def _objection(person: Participant, recipient: Recipient | None, channel: str,
               context: tuple[RunFacts, _Knowledge, Policy, datetime]) -> Objection | None:
    run, known, policy, now = context
    return (known.stops.get(person.contact_id)
            or objection_to(recipient, channel=channel, rules=policy.country_rules, at=now)
            or known.refused.get(person.contact_id) or objection_to_role(recipient, run.definition.people.roles))


def _mailboxes(people: Sequence[Participant], recipients: Mapping[int, Recipient]) -> dict[int, str]:
    return {person.contact_id: address_key(recipient.email) for person in people
            if (recipient := recipients.get(person.contact_id)) and recipient.email}


def _used_mailboxes(session: Session, run_id: int, position: int, keys: set[str]) -> set[str]:
    if not keys:
        return set()
    found = session.scalars(select(Delivery.address_key).where(
        Delivery.run_id == run_id, Delivery.position == position, Delivery.address_key.in_(keys)))
    return {key for key in found if key}


def plans_alone(session: Session, run: RunFacts) -> bool:
    """Take the run for this transaction, so that two planners cannot give one mailbox to two people; False when another
    one has it or it is not active any more."""
    return session.scalar(select(Run.id).where(Run.id == run.run_id, Run.state == RunState.ACTIVE)
                          .with_for_update(skip_locked=True, key_share=True)) is not None


def _refresh_statistics(session: Session) -> None:
    """Without fresh statistics the gate's queries on a table that has just grown are planned ten times as dear."""
    if is_postgres(session):
        for table in _ANALYSED:
            session.execute(text(f"ANALYZE {table}"))
